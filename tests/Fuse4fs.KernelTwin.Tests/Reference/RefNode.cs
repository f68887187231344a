using Fuse4fs.KernelTwin.Inodes;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>A file, directory or link of the reference server.</summary>
internal sealed class RefNode(ulong ino)
{
    public ulong Ino { get; } = ino;

    public ulong Generation { get; set; } = 1;

    public uint Mode { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public uint Links { get; set; } = 1;

    public uint Rdev { get; set; }

    /// <summary>Persisted size.</summary>
    public long Size { get; set; }

    /// <summary>Learned from END(SIZE_CHANGED), not persisted yet.</summary>
    public long PendingSize { get; set; }

    public Timestamp Atime { get; set; }

    public Timestamp Mtime { get; set; }

    public Timestamp Ctime { get; set; }

    /// <summary>File block to what is there.</summary>
    public SortedDictionary<long, RefBlock> Blocks { get; } = [];

    /// <summary>Blocks that the last BEGIN(WRITE) reserved.</summary>
    public HashSet<long> FreshReservations { get; } = [];

    /// <summary>Null: data is in blocks.</summary>
    public byte[]? Inline { get; set; }

    public Dictionary<string, ulong> Children { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, byte[]> Xattrs { get; } = new(StringComparer.Ordinal);

    public string Target { get; set; } = "";

    public ulong InodeFlags { get; set; }

    public ulong Lookups { get; set; }

    public int Opens { get; set; }

    public bool HasCache { get; set; }

    public bool IsDirectory => (Mode & 0xF000) == 0x4000;

    public bool IsRegular => (Mode & 0xF000) == 0x8000;

    /// <summary>The kernel has written what END told of: it may be persisted.</summary>
    public void PersistPendingSize() => Size = Math.Max(Size, PendingSize);
}
