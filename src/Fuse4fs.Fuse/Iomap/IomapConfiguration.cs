namespace Fuse4fs.Fuse.Iomap;

/// <summary>What the server says of its file system in the answer to IOMAP_CONFIG.</summary>
public sealed record IomapConfiguration
{
    /// <summary>Every offset and length of a mapping is a multiple of this: a power of two, 512 to 65536.</summary>
    public required int BlockSizeBytes { get; init; }

    /// <summary>Shown in the kernel's messages; at most 31 bytes of UTF-8 count. Null: the kernel makes one.</summary>
    public string? Name { get; init; }

    /// <summary>Up to 16 bytes; empty: none.</summary>
    public ReadOnlyMemory<byte> Uuid { get; init; }

    /// <summary>Most links of an inode; 0: no statement.</summary>
    public uint MaxLinks { get; init; }

    /// <summary>What times can be stored; null: no statement.</summary>
    public TimeLimits? Times { get; init; }

    /// <summary>Largest file, bytes; null: whatever the kernel can. Never more than that is sent, and whole
    /// blocks.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Most memory for the cached mappings of one file, bytes; 0: the kernel's own choice.</summary>
    /// <remarks>The kernel takes 256 bytes to 2 MiB. <see cref="IomapConnection.CachedMappingsPerFile"/> says what came
    /// of it.</remarks>
    public uint CacheBytes { get; init; }

    /// <summary>What is said to the kernel: it never asks for less than a block, which no mapping could cover.</summary>
    internal long MaxFileBytesFor(IomapLimits kernel)
        => Math.Min(MaxFileBytes ?? long.MaxValue, kernel.MaxFileBytes) & ~(BlockSizeBytes - 1L);
}
