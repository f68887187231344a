using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Samples;

/// <summary>A file, directory or symbolic link of the null server. Data of files is not kept: they read as zeros.</summary>
internal sealed class NullNode
{
    /// <summary>Attributes but for the number; guarded by <see cref="Gate"/>.</summary>
    public NodeAttributes Attributes;

    private long _lookups;
    private FileBlocks? _blocks;

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

    /// <summary>Of a file whose data is kept; guarded by <see cref="Gate"/>.</summary>
    public FileBlocks Blocks => _blocks ??= new FileBlocks();

    /// <summary>What the kernel's cache holds of them.</summary>
    public FileUploads? Uploads { get; set; }

    /// <summary>Of a symbolic link.</summary>
    public byte[]? Target { get; init; }

    public bool IsDirectory => (Attributes.Mode & 0xF000) == 0x4000;

    public bool IsFile => (Attributes.Mode & 0xF000) == 0x8000;

    /// <summary>DT_* of readdir(3).</summary>
    public byte Type => (byte)(Attributes.Mode >> 12);

    /// <summary>How often the kernel was told of it and has not forgotten it.</summary>
    public long Lookups => Volatile.Read(ref _lookups);

    public void AddLookup() => Interlocked.Increment(ref _lookups);

    /// <returns>What is left.</returns>
    public long RemoveLookups(ulong count) => Interlocked.Add(ref _lookups, -(long)count);
}
