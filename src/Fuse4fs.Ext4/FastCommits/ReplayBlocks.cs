using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The blocks a replay reads and changes, all in memory until it is complete.</summary>
internal sealed class ReplayBlocks(IBlockDevice device, Geometry geometry)
{
    /// <summary>A fast commit touches little; an image that wants more is not answered with memory.</summary>
    private const long MaximumBytes = 512L << 20;

    private readonly Dictionary<FsBlock, byte[]> _blocks = [];
    private readonly HashSet<FsBlock> _changed = [];
    private long _bytes;

    /// <summary>The changed blocks, ascending.</summary>
    public IReadOnlyList<(FsBlock Block, byte[] Bytes)> Changed =>
        [.. _changed.Order().Select(block => (block, _blocks[block]))];

    /// <summary>A block to look at.</summary>
    /// <exception cref="Ext4CorruptException">The number is outside the volume.</exception>
    /// <exception cref="DeviceException">The read failed.</exception>
    public byte[] Read(FsBlock block)
    {
        if (_blocks.TryGetValue(block, out byte[]? bytes))
        {
            return bytes;
        }
        if (block.Value >= geometry.BlockCount)
        {
            Ext4CorruptException.Throw(Corruption.BlockOutOfVolume, $"fast commit: block {block}");
        }
        bytes = Add(block);
        device.Read(checked((long)block.Value * geometry.BlockSizeBytes), bytes);
        return bytes;
    }

    /// <summary>A block to change.</summary>
    public byte[] Change(FsBlock block)
    {
        byte[] bytes = Read(block);
        _changed.Add(block);
        return bytes;
    }

    /// <summary>A freshly allocated block, all zeros.</summary>
    public byte[] Create(FsBlock block)
    {
        byte[] bytes = _blocks.TryGetValue(block, out byte[]? known) ? known : Add(block);
        bytes.AsSpan().Clear();
        _changed.Add(block);
        return bytes;
    }

    /// <summary>A block that was freed: its contents are of no interest.</summary>
    public void Drop(FsBlock block)
    {
        _changed.Remove(block);
        _bytes -= _blocks.Remove(block) ? geometry.BlockSizeBytes : 0;
    }

    /// <summary>Counts what a replay keeps in memory, blocks or what is made of them. Without it a few records could
    /// have one map read for every inode there is.</summary>
    /// <exception cref="Ext4CorruptException">It is too much.</exception>
    public void Account(long bytes)
    {
        _bytes += bytes;
        if (_bytes > MaximumBytes)
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, "fast commit: more blocks than one can touch");
        }
    }

    private byte[] Add(FsBlock block)
    {
        Account(geometry.BlockSizeBytes);
        byte[] bytes = new byte[geometry.BlockSizeBytes];
        _blocks.Add(block, bytes);
        return bytes;
    }
}
