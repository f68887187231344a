using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Lists a directory as a client does: some entries per call, going on from the last cookie.</summary>
internal sealed class Listing
{
    public List<Entry> Entries { get; } = [];

    /// <summary>Everything from a cookie on.</summary>
    public static List<Entry> All(Volume volume, InodeNumber directory, int perCall = int.MaxValue, ulong cookie = 0)
    {
        var listing = new Listing();
        while (listing.Continue(volume, directory, perCall, ref cookie))
        {
        }
        return listing.Entries;
    }

    /// <summary>One call.</summary>
    /// <returns>False at the end of the directory.</returns>
    public bool Continue(Volume volume, InodeNumber directory, int perCall, ref ulong cookie)
    {
        var sink = new Sink(Entries, perCall);
        Assert.Equal(Errno.Ok, volume.ReadDirectory(directory, cookie, ref sink));
        if (sink.Taken == 0)
        {
            return false;
        }
        ulong next = Entries[^1].NextCookie;
        Assert.True(next > cookie && next <= long.MaxValue, $"cookie {next} behind {cookie}");
        cookie = next;
        return true;
    }

    public sealed record Entry(byte[] Name, InodeNumber Inode, DirectoryFileType Type, ulong NextCookie)
    {
        public string Key => Convert.ToHexString(Name);

        public bool IsDot => Name is [(byte)'.'] or [(byte)'.', (byte)'.'];
    }

    private struct Sink(List<Entry> entries, int room) : IDirectorySink
    {
        public int Taken { get; private set; }

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
        {
            if (Taken == room)
            {
                return false;
            }
            Taken++;
            entries.Add(new Entry(name.ToArray(), inode, type, nextCookie));
            return true;
        }
    }
}
