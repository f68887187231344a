using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Makes the seeds: as small as their features allow, because every mutant is walked as a whole.</summary>
internal static class SeedImages
{
    private const string Core = "none,ext_attr,dir_index,filetype,sparse_super,large_file";
    private const string Modern = Core + ",extent,flex_bg,huge_file,dir_nlink,extra_isize,metadata_csum,64bit";

    private static readonly (string Name, string Options, int Mebibytes, string Before, string After)[] s_recipes =
    [
        ("modern", $"-b 1024 -O {Modern}", 4, "", ""),
        ("modern-4k", $"-b 4096 -O {Modern}", 6, "", ""),
        ("blocks-16k", $"-b 16384 -O {Modern}", 20, "", ""),
        ("no-checksums", $"-b 1024 -O {Modern},^metadata_csum", 4, "", ""),
        ("crc16", $"-b 1024 -O {Modern},^metadata_csum,^64bit,uninit_bg", 4, "", ""),
        ("ext2", $"-b 1024 -O {Core}", 4, "", ""),
        ("revision-0", "-b 1024 -O none -r 0", 4, "", ""),
        ("indirect-checksums", $"-b 1024 -I 256 -O {Core},extra_isize,metadata_csum", 4, "", ""),
        ("inline-data", $"-b 1024 -I 256 -O {Modern},inline_data", 4, "", ""),
        ("ea-inode", $"-b 1024 -I 256 -O {Modern},ea_inode", 4, "", "ea_set /plain user.large -f $BIG"),
        ("bigalloc", $"-b 1024 -C 4096 -O {Modern},bigalloc", 6, "", ""),
        ("casefold", $"-b 1024 -O {Modern},casefold -E encoding=utf8", 4,
            "sif /many flags 0x40080000\nsif /plain-directory flags 0x40080000", ""),
        ("meta-bg", $"-b 1024 -g 512 -O {Modern},^flex_bg,meta_bg", 4, "", ""),
        ("large-dir", $"-b 1024 -O {Modern},large_dir", 4, "", ""),
        ("journal", $"-b 1024 -J size=1 -O {Modern},has_journal", 5, "", "jo\njw -b $TABLE $BLOCKS\njc"),
        ("journal-csum", $"-b 1024 -J size=1 -O {Modern},has_journal,orphan_file", 5, "",
            "jo -c\njw -b $TABLE $BLOCKS\njc\njo -c\njw -r 4000\njc"),
        ("ext3-journal", $"-b 1024 -J size=1 -O {Core},has_journal", 5, "", "jo\njw -b $TABLE $BLOCKS\njc"),
        ("project-quota", $"-b 1024 -I 256 -O {Modern},quota,project -E quotatype=usrquota:prjquota", 4, "", ""),
    ];

    /// <summary>Makes all seeds.</summary>
    public static IReadOnlyList<SeedImage> Make()
    {
        using var staging = new TemporaryDirectory();
        string tree = staging.CreateSubdirectory("tree");
        SeedTree.Fill(tree);
        string big = staging.Combine("big");
        File.WriteAllBytes(big, SeedTree.Pattern(3000));
        var seeds = new List<SeedImage>();
        foreach ((string name, string options, int mebibytes, string before, string after) in s_recipes)
        {
            using var image = new TestImage(options, (long)mebibytes << 20, tree);
            Change(image, before, big);
            Tool.Run("e2fsck", "-fyD", image.Path);
            Change(image, after, big);
            seeds.Add(new SeedImage(name, File.ReadAllBytes(image.Path)));
        }
        return seeds;
    }

    /// <summary>Runs debugfs. $BIG is a file; $BLOCKS a file with some of the image's own metadata, which lies from
    /// block $TABLE on: a journal that holds it replays to the same image.</summary>
    private static void Change(TestImage image, string requests, string big)
    {
        if (requests.Length == 0)
        {
            return;
        }
        string blocks = image.Directory.Combine("blocks");
        string script = requests.Replace("$BIG", big, StringComparison.Ordinal)
            .Replace("$BLOCKS", blocks, StringComparison.Ordinal)
            .Replace("$TABLE", SaveInodeTable(image.Path, blocks), StringComparison.Ordinal);
        ToolResult result = Tool.RunWithInput("debugfs", script + "\n", "-w", "-f", "-", image.Path);
        if (result.ExitCode != 0)
        {
            throw new OracleException($"debugfs ({requests}): {result}");
        }
    }

    /// <summary>Saves the first blocks of the first inode table.</summary>
    /// <returns>Number of the first of them.</returns>
    private static string SaveInodeTable(string image, string file)
    {
        const int blocks = 3;
        SeedMap map = SeedMap.Build(File.ReadAllBytes(image));
        int inode = map.Structures.Find(s => s.Kind == StructureKind.Inode).Offset;
        int block = inode / map.Geometry.BlockSizeBytes;
        using FileStream source = File.OpenRead(image);
        byte[] bytes = new byte[blocks * map.Geometry.BlockSizeBytes];
        source.Position = (long)block * map.Geometry.BlockSizeBytes;
        source.ReadExactly(bytes);
        File.WriteAllBytes(file, bytes);
        return block.ToString(CultureInfo.InvariantCulture);
    }
}
