using System.Globalization;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Files of every interesting size, links of every kind, special files.</summary>
internal static class FileFiller
{
    private const int NameTooLong = 36; // in an encrypted directory the target has less room
    private const int TypeCharacter = 0x2000;
    private const int TypeBlock = 0x6000;
    private const int TypePipe = 0x1000;
    private const int TypeSocket = 0xC000;
    private const int Rights = 0x1A4;

    /// <summary>Around the limits of inline data (60 and the xattr space), of blocks, of direct and indirect maps.</summary>
    private static readonly int[] s_sizes =
    [
        0, 1, 59, 60, 61, 100, 136, 160, 161, 200, 400, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 12288, 12289, 49152,
        49153, 65536, 100_000, 300_000, 1_200_000,
    ];

    /// <summary>Fast, inline, in a block; at most a block without its closing zero.</summary>
    private static readonly int[] s_targetLengths =
        [1, 59, 60, 61, 100, 136, 160, 161, 255, 1000, 1022, 1023, 2046, 2047, 4094, 4095];

    public static void Fill(FillTarget target)
    {
        foreach (int size in s_sizes)
        {
            target.File(string.Create(CultureInfo.InvariantCulture, $"size-{size}"), size);
        }
        FillLinks(target.Subdirectory("hard-links"));
        FillSymlinks(target.Subdirectory("symlinks"));
        FillSpecial(target.Subdirectory("special"));
    }

    private static void FillLinks(FillTarget target)
    {
        HostPath file = target.File("one", 5000);
        foreach (string name in new[] { "two", "three" })
        {
            FillTarget.Require(Posix.Link(file, target.At(name)), "link", file);
        }
        FillTarget elsewhere = target.Subdirectory("elsewhere");
        FillTarget.Require(Posix.Link(file, elsewhere.At("four")), "link", file);
        HostPath symlink = target.At("symlink");
        FillTarget.Require(Posix.MakeSymlink("one"u8, symlink), "symlink", symlink);
        FillTarget.Require(Posix.Link(symlink, elsewhere.At("symlink-too")), "link", symlink);
    }

    private static void FillSymlinks(FillTarget target)
    {
        foreach (int length in s_targetLengths.Where(length => length < target.BlockSizeBytes))
        {
            byte[] destination = new byte[length];
            for (int index = 0; index < length; index++)
            {
                destination[index] = (byte)(index % 50 == 49 ? '/' : 'a' + (index % 26));
            }
            HostPath path = target.At(string.Create(CultureInfo.InvariantCulture, $"length-{length}"));
            FillTarget.Require(Posix.MakeSymlink(destination, path), "symlink", path, NameTooLong);
        }
        FillTarget.Require(Posix.MakeSymlink("/etc/passwd"u8, target.At("absolute")), "symlink", target.Root);
        FillTarget.Require(Posix.MakeSymlink("../files/size-1"u8, target.At("relative")), "symlink", target.Root);
        FillTarget.Require(Posix.MakeSymlink("itself"u8, target.At("itself")), "symlink", target.Root);
        FillTarget.Require(Posix.MakeSymlink([0xFF, 0xFE, (byte)'\n', 1], target.At("bytes")), "symlink", target.Root);
    }

    private static void FillSpecial(FillTarget target)
    {
        (string Name, int Type, uint Major, uint Minor)[] nodes =
        [
            ("null", TypeCharacter, 1, 3), ("char-old-limit", TypeCharacter, 255, 255),
            ("char-new", TypeCharacter, 256, 0), ("char-minor", TypeCharacter, 10, 256),
            ("char-biggest", TypeCharacter, 4095, 1_048_575), ("disk", TypeBlock, 8, 17),
            ("disk-new", TypeBlock, 259, 1_048_575), ("pipe", TypePipe, 0, 0), ("socket", TypeSocket, 0, 0),
        ];
        foreach ((string name, int type, uint major, uint minor) in nodes)
        {
            HostPath path = target.At(name);
            FillTarget.Require(Posix.MakeNode(path, (uint)(type | Rights), major, minor), "mknod", path);
        }
    }
}
