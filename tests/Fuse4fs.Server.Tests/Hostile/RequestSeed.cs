using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Identity;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A volume for hostile requests, and how it is mounted: between them what the server has code for.</summary>
/// <param name="Name">For people.</param>
/// <param name="MakeOptions">Of mke2fs.</param>
/// <param name="IsReadOnly">How it is mounted.</param>
internal sealed record RequestSeed(string Name, string MakeOptions, bool IsReadOnly = false)
{
    private const string Small = "-b 1024 -N 512 -J size=1";

    /// <summary>The order of a listing, from which names and places are learnt, follows from the seed of the hashes.</summary>
    private const string Seeds = "-U 6d1f7a54-11c5-4b7f-8c54-5b1f0d4a0f11 -E hash_seed=6d1f7a54-11c5-4b7f-8c54-5b1f0d4a0f12";

    private const long ImageBytes = 6 << 20;

    /// <summary>The first two keep their places: chains name seeds by number.</summary>
    public static IReadOnlyList<RequestSeed> All { get; } =
    [
        new("read-only", $"-t ext4 {Small} -O ^resize_inode,inline_data", IsReadOnly: true),
        new("inline data", $"-t ext4 {Small} -O ^resize_inode,inline_data"),
        new("block maps, and extents from now on", $"-t ext3 {Small} -O ^resize_inode")
        {
            IsConverted = true,
        },
        new("quota, casefolding, values in inodes",
            $"-t ext4 {Small} -O ^resize_inode,quota,project,ea_inode,casefold")
        {
            IsCasefolded = true,
        },
        new("clusters, a checksum in every structure", $"-t ext4 {Small} -C 8192 -O ^resize_inode,bigalloc,metadata_csum"),
        new("no journal, mapped owners", "-t ext4 -b 2048 -N 512 -O ^resize_inode,^has_journal")
        {
            Users = "0:0:60000",
        },
    ];

    /// <summary>uidmap= and gidmap=.</summary>
    public string? Users { get; private init; }

    private bool IsCasefolded { get; init; }

    private bool IsConverted { get; init; }

    /// <summary>What a mount of an image of this kind is given.</summary>
    public ServeOptions Options(string image)
    {
        IdMap? map = null;
        _ = Users is not null && IdMap.TryParse(Users, out map);
        return new ServeOptions
        {
            Source = image,
            MountPoint = "/",
            UserMap = map,
            GroupMap = map,
            Mount = new MountOptions { Flags = IsReadOnly ? MountFlags.ReadOnly : MountFlags.None },
        };
    }

    /// <summary>Makes the image, with a few files of all kinds.</summary>
    public TestImage Make(TemporaryDirectory directory)
    {
        string tree = directory.Combine("tree");
        if (!Directory.Exists(tree))
        {
            directory.CreateSubdirectory("tree");
            Tool.Shell($"cd {tree}; mkdir dir dir/c many; echo hello > a; head -c 70000 /dev/zero | tr '\\0' x > file;"
                + " truncate -s 3M sparse; echo end >> sparse; ln -s a link; ln a b; mkfifo d; setfattr -n user.a -v value a;"
                + " for i in $(seq 200); do : > many/a-rather-long-name-$i; done");
        }
        var image = new TestImage($"{MakeOptions} {Seeds}{(IsCasefolded ? ",encoding=utf8" : "")}", ImageBytes, tree);
        if (IsCasefolded)
        {
            Debugfs.Write(image.Path, "mkdir /folded", "sif /folded flags 0x40080000");
        }
        if (IsConverted)
        {
            Tool.Check("tune2fs", "-O", "extents", image.Path);
        }
        // Neither mke2fs nor debugfs counts what it makes for quotas.
        Tool.Run("e2fsck", "-fy", image.Path);
        E2fsck.AssertClean(image.Path);
        return image;
    }
}
