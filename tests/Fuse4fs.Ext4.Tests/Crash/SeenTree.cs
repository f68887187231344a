using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>What a volume shows at one moment: every name with what one transaction changes as a whole, and apart from
/// it what regular files hold.</summary>
/// <remarks>Left out is what an operation of several handles may change one by one: sizes of directories, times.
/// </remarks>
internal sealed class SeenTree
{
    /// <summary>More than any file of these tests has.</summary>
    private const long LargestFileBytes = 4 << 20;

    private SeenTree(string names, Dictionary<FileKey, byte[]> files)
    {
        Names = names;
        Files = files;
    }

    /// <summary>One line for every path, in order.</summary>
    public string Names { get; }

    /// <summary>The contents of regular files.</summary>
    public Dictionary<FileKey, byte[]> Files { get; }

    /// <summary>Reads everything.</summary>
    /// <param name="volume">In any state that is whole.</param>
    /// <param name="withContents">False for names alone.</param>
    public static SeenTree Capture(Volume volume, bool withContents = true)
    {
        var lines = new List<string>();
        var files = new Dictionary<FileKey, byte[]>();
        var waiting = new Stack<(string Path, InodeNumber Directory)>([("", InodeNumber.Root)]);
        var seen = new HashSet<InodeNumber> { InodeNumber.Root };
        while (waiting.TryPop(out (string Path, InodeNumber Directory) next))
        {
            foreach (Listing.Entry entry in Listing.All(volume, next.Directory).Where(entry => !entry.IsDot))
            {
                string path = $"{next.Path}/{Encoding.Latin1.GetString(entry.Name)}";
                Assert.Equal(Errno.Ok, volume.GetAttributes(entry.Inode, out InodeAttributes attributes));
                lines.Add($"{path} {Describe(volume, in attributes)}");
                if (attributes.Kind == FileKind.Directory)
                {
                    Assert.True(seen.Add(entry.Inode), $"{path}: a directory with two names");
                    Assert.Equal(Errno.Ok, volume.Lookup(entry.Inode, ".."u8, out InodeNumber parent));
                    Assert.True(parent == next.Directory, $"{path}: its parent is {parent}, not {next.Directory}");
                    waiting.Push((path, entry.Inode));
                }
                else if (attributes.Kind == FileKind.Regular && withContents)
                {
                    files[FileKey.Of(in attributes)] = Read(volume, in attributes);
                }
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return new SeenTree(string.Join('\n', lines), files);
    }

    /// <summary>All of a file.</summary>
    public static byte[] Read(Volume volume, in InodeAttributes attributes)
    {
        Assert.InRange(attributes.SizeBytes, 0, LargestFileBytes);
        byte[] bytes = new byte[attributes.SizeBytes];
        Assert.Equal(Errno.Ok, volume.Read(attributes.Number, 0, bytes, out int count));
        Assert.Equal(bytes.Length, count);
        return bytes;
    }

    private static string Describe(Volume volume, in InodeAttributes attributes)
    {
        string common = $"{FileKey.Of(in attributes)} {attributes.Mode:x} {attributes.UserId}:{attributes.GroupId} "
            + $"links {attributes.LinkCount} {XattrsOf(volume, attributes.Number)}";
        if (attributes.Kind != FileKind.Symlink)
        {
            return common;
        }
        byte[] target = new byte[4096];
        Assert.Equal(Errno.Ok, volume.ReadLink(attributes.Number, target, out int length));
        return $"{common} -> {Encoding.Latin1.GetString(target, 0, length)}";
    }

    private static string XattrsOf(Volume volume, InodeNumber number)
    {
        byte[] list = new byte[1024];
        Assert.Equal(Errno.Ok, volume.ListXattr(number, includeTrusted: true, list, out int length));
        var described = new List<string>();
        byte[] value = new byte[4096];
        foreach (string name in Encoding.Latin1.GetString(list, 0, length)
            .Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Equal(Errno.Ok, volume.GetXattr(number, Encoding.Latin1.GetBytes(name), value, out int bytes));
            described.Add($"{name}={bytes}*{(bytes > 0 ? value[0] : 0)}");
            Assert.False(value.AsSpan(0, bytes).ContainsAnyExcept(value[0]), $"inode {number}: {name} is mixed");
        }
        described.Sort(StringComparer.Ordinal);
        return string.Join(',', described);
    }
}
