using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Samples;

/// <summary>A file, directory or symbolic link of the null server. Data of files is not kept: they read as zeros.</summary>
internal sealed class NullNode
{
    /// <summary>Attributes but for the number; guarded by <see cref="Gate"/>.</summary>
    public NodeAttributes Attributes;

    private long _lookups;

    public NullNode(ulong id, uint mode)
    {
        Id = id;
        Attributes.Inode = id;
        Attributes.Mode = mode;
        Attributes.Links = 1;
        Attributes.BlockSize = 4096;
        if (IsDirectory)
        {
            Attributes.Links = 2;
            Entries = new NullDirectory();
        }
    }

    public ulong Id { get; }

    public Lock Gate { get; } = new();

    /// <summary>Of a directory; guarded by <see cref="Gate"/>.</summary>
    public NullDirectory? Entries { get; }

    /// <summary>Of a directory: the one above; guarded by its own <see cref="Gate"/>.</summary>
    public NullNode? Parent { get; set; }

    /// <summary>Of a symbolic link.</summary>
    public byte[]? Target { get; init; }

    public bool IsDirectory => (Attributes.Mode & 0xF000) == 0x4000;

    /// <summary>DT_* of readdir(3).</summary>
    public byte Type => (byte)(Attributes.Mode >> 12);

    public void AddLookup() => Interlocked.Increment(ref _lookups);

    /// <returns>What is left.</returns>
    public long RemoveLookups(ulong count) => Interlocked.Add(ref _lookups, -(long)count);
}
