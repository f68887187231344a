using System.Security.Cryptography;
using System.Text;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Everything a user can see of a volume, one line for every path, as our own reader sees it: to compare two
/// images of what should be the same volume.</summary>
internal static class VolumeTree
{
    /// <summary>More than any file of these tests has; what a damaged size claims beyond is not read.</summary>
    private const long LargestContentsBytes = 256L << 20;

    /// <summary>Opens an image as a read-only mount does and reads it all.</summary>
    public static List<string> Capture(string image)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(image, isReadOnly: true, 0, isExclusive: false, out ImageFile? file));
        using Volume volume = Volume.Open(file!, new VolumeOptions { ReadOnly = true });
        return Capture(volume);
    }

    public static List<string> Capture(Volume volume)
    {
        var lines = new List<string>();
        var waiting = new Stack<(string Path, InodeNumber Directory)>();
        waiting.Push(("", InodeNumber.Root));
        var seen = new HashSet<InodeNumber> { InodeNumber.Root };    // a damaged tree may have loops
        while (waiting.TryPop(out (string Path, InodeNumber Directory) next))
        {
            var sink = new Names();
            Assert.Equal(Errno.Ok, volume.ReadDirectory(next.Directory, 0, ref sink));
            foreach ((string name, InodeNumber number) in sink.Found)
            {
                string path = $"{next.Path}/{name}";
                Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
                lines.Add($"{path} {Describe(volume, number, in attributes)}");
                if ((attributes.Mode & (int)FileKind.Mask) == (int)FileKind.Directory
                    && seen.Add(number))
                {
                    waiting.Push((path, number));
                }
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static string Describe(Volume volume, InodeNumber number, in InodeAttributes attributes)
    {
        string common = $"#{number} {attributes.Mode:x} {attributes.UserId}:{attributes.GroupId} "
            + $"links {attributes.LinkCount} generation {attributes.Generation:x} ";
        switch ((FileKind)(attributes.Mode & (int)FileKind.Mask))
        {
            case FileKind.Directory:    // times, size and blocks depend on how a replay lays it out
                return common;
            case FileKind.Symlink:
                byte[] target = new byte[4096];
                Assert.Equal(Errno.Ok, volume.ReadLink(number, target, out int length));
                return common + Encoding.Latin1.GetString(target, 0, length);
            case FileKind.Regular:
                return $"{common}{attributes.SizeBytes} in {attributes.Sectors} {attributes.ModificationTime} "
                    + ContentsOf(volume, number, attributes.SizeBytes);
            default:
                return $"{common}{attributes.Device}";
        }
    }

    private static string ContentsOf(Volume volume, InodeNumber number, long size)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[65536];
        long end = Math.Min(size, LargestContentsBytes);
        for (long offset = 0; offset < end;)
        {
            Assert.Equal(Errno.Ok, volume.Read(number, offset, buffer, out int count));
            Assert.True(count > 0);
            hash.AppendData(buffer, 0, count);
            offset += count;
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private readonly struct Names : IDirectorySink
    {
        public Names() => Found = [];

        public List<(string Name, InodeNumber Number)> Found { get; }

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
        {
            string text = Encoding.Latin1.GetString(name);
            if (text is not "." and not "..")
            {
                Found.Add((text, inode));
            }
            return true;
        }
    }
}
