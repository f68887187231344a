using System.Globalization;
using Fuse4fs.Bench.Measuring;
using Fuse4fs.Bench.Systems;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>The filled image that all systems get copies of, and the same names for a server without storage.</summary>
internal static class ReadImage
{
    private const int QuarterShare = 8;

    /// <summary>Fills a new ext4 file system with every part.</summary>
    public static void Fill(string image, string mountPoint, Sizes sizes, LoadGenerator load)
    {
        using var mount = new LoopMount(image, mountPoint, isWritable: true);
        WarmUp.Fill(mountPoint, load);
        CopyTree(sizes, Path.Combine(mountPoint, "tree"));
        FillNames(mountPoint, ImageParts.Many | ImageParts.Small, sizes, load);
        Random(Path.Combine(mountPoint, "big"), sizes.BigMib);
        foreach (string quarter in Quarters(mountPoint))
        {
            Random(quarter, sizes.BigMib / QuarterShare);
        }
        mount.Unmount();
    }

    /// <summary>Makes the names and sizes of the given parts through a mount whose contents do not matter.</summary>
    public static void FillWithoutContents(string root, ImageParts parts, Sizes sizes, LoadGenerator load)
    {
        WarmUp.Fill(root, load);
        if (parts.HasFlag(ImageParts.Tree))
        {
            Command.Run("cp", "-a", "--attributes-only", sizes.Tree + "/.", Path.Combine(root, "tree"));
        }
        FillNames(root, parts, sizes, load);
        if (parts.HasFlag(ImageParts.Big))
        {
            Extend(Path.Combine(root, "big"), sizes.BigMib);
        }
        if (parts.HasFlag(ImageParts.Quarters))
        {
            foreach (string quarter in Quarters(root))
            {
                Extend(quarter, sizes.BigMib / QuarterShare);
            }
        }
    }

    private static IEnumerable<string> Quarters(string root) =>
        Enumerable.Range(0, 4).Select(i => Path.Combine(root, $"part{i}"));

    private static void FillNames(string root, ImageParts parts, Sizes sizes, LoadGenerator load)
    {
        if (parts.HasFlag(ImageParts.Many))
        {
            string many = Path.Combine(root, "many");
            Directory.CreateDirectory(many);
            load.Run("create", many, "1", sizes.ManyEntries.ToString(CultureInfo.InvariantCulture));
        }
        if (parts.HasFlag(ImageParts.Small))
        {
            string small = Path.Combine(root, "small");
            Directory.CreateDirectory(small);
            load.Run("fill", small, "1", sizes.Files.ToString(CultureInfo.InvariantCulture), "4k");
        }
    }

    private static void CopyTree(Sizes sizes, string destination)
    {
        Directory.CreateDirectory(destination);
        const string script =
            "cd \"$1\" && find . -xdev '(' '!' -type f -o -size -\"$3\"k ')' -print0 | "
            + "tar --null --no-recursion -T - -cf - | tar -C \"$2\" -xpf -";
        string limit = sizes.TreeFileLimitKib.ToString(CultureInfo.InvariantCulture);
        Command.Run("sh", "-c", script, "sh", sizes.Tree, destination, limit);
    }

    private static void Random(string path, int mebibytes) =>
        Command.Run("dd", "if=/dev/urandom", $"of={path}", "bs=1M", $"count={mebibytes}", "status=none");

    private static void Extend(string path, int mebibytes) => Command.Run("truncate", "-s", $"{mebibytes}M", path);
}
