using System.Globalization;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Directories of every shape.</summary>
internal static class DirectoryFiller
{
    private const int MostLinks = 60_000;

    public static void Fill(FillTarget target)
    {
        target.Subdirectory("empty");
        foreach (int count in new[] { 1, 2, 3, 4, 5, 10, 40, 300 })
        {
            FillTarget directory = target.Subdirectory(string.Create(CultureInfo.InvariantCulture, $"entries-{count}"));
            FillWithLinks(directory, count, nameBytes: 24);
        }
        FillTarget thinned = target.Subdirectory("thinned");
        FillWithLinks(thinned, 400, nameBytes: 60);
        for (int index = 0; index < 400; index += 2)
        {
            HostPath path = thinned.At(LinkName(index, 60));
            FillTarget.Require(Posix.Unlink(path), "unlink", path);
        }
        FillTarget children = target.Subdirectory("children");
        for (int index = 0; index < 30; index++)
        {
            children.Subdirectory(string.Create(CultureInfo.InvariantCulture, $"child-{index}"));
        }
    }

    /// <summary>Empty files with names of many lengths.</summary>
    public static void FillMany(FillTarget target, int count)
    {
        for (int index = 0; index < count; index++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{index}-\u00e9").PadRight(index % 60, '.');
            target.File(name, 0);
        }
    }

    /// <summary>Names of equal length, all for one inode: big directories without many inodes.</summary>
    public static void FillWithLinks(FillTarget target, int count, int nameBytes)
    {
        if (count > MostLinks)
        {
            throw new OracleException($"an inode has no {count} links");
        }
        HostPath first = target.File(LinkName(0, nameBytes), 1);
        for (int index = 1; index < count; index++)
        {
            FillTarget.Require(Posix.Link(first, target.At(LinkName(index, nameBytes))), "link", target.Root);
        }
    }

    private static string LinkName(int index, int nameBytes) =>
        index.ToString(CultureInfo.InvariantCulture).PadRight(nameBytes, '_');
}
