using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A journal over an image whose free blocks serve as metadata blocks to play with: e2fsck looks at the log
/// and at everything else, and does not mind what free blocks contain.</summary>
internal sealed class JournaledVolume
{
    /// <summary>Blocks to play with start here; the image must be made so that they are free.</summary>
    private readonly ulong _firstBlock;

    private JournaledVolume(
        VolumeContext context, JournalSource? source, RecoveryResult recovery, JournalOptions options)
    {
        Context = context;
        Source = source;
        Recovery = recovery;
        Journal = Journal.Open(context, source, recovery.EndSequence, options);
        _firstBlock = context.Geometry.BlockCount - (PlayBlocks + 1);
    }

    /// <summary>How many blocks there are to play with.</summary>
    public const int PlayBlocks = 200;

    public VolumeContext Context { get; }

    public JournalSource? Source { get; }

    public RecoveryResult Recovery { get; }

    public Journal Journal { get; }

    /// <summary>Opens as a read-write mount does.</summary>
    public static JournaledVolume Open(
        IBlockDevice device, IReadOnlyList<LogRun>? runs, JournalOptions? options = null, IBlockDevice? external = null,
        uint minimumLogBlocks = JournalGeometry.MinimumLogBlocks, TimeProvider? clock = null)
    {
        Superblock super = JournalMap.ReadSuperblock(device);
        Geometry geometry = JournalMap.ReadGeometry(device);
        JournalSource? source = external is not null
            ? JournalSource.OpenExternal(external, geometry.BlockSizeBytes, super.JournalUuid)
            : runs is { Count: > 0 }
            ? JournalSource.OpenInternal(device, geometry.BlockSizeBytes, runs, minimumLogBlocks)
            : null;
        RecoveryResult recovery = source is null
            ? default
            : JournalRecovery.Run(source, device, geometry.BlockCount);
        var context = new VolumeContext(
            device, geometry, 4 << 20, new SilentEvents(), clock ?? TimeProvider.System, isReadOnly: false);
        return new JournaledVolume(context, source, recovery, options ?? new JournalOptions());
    }

    /// <summary>One of the blocks to play with.</summary>
    public FsBlock Block(int index) => new(_firstBlock + (ulong)index);

    /// <summary>Begins a handle or fails the test.</summary>
    public Handle Begin(int credits, int forgets = 16)
    {
        Assert.Equal(Errno.Ok, Journal.TryStart(credits, out Handle handle, forgets));
        return handle;
    }

    /// <summary>Gives a block a value; the whole block tells it, so that a torn one can be seen.</summary>
    public void Put(Handle handle, int index, uint value, bool isNew = false)
    {
        using BlockLease lease = isNew ? handle.Create(Block(index)) : handle.Update(Block(index));
        Fill(lease.Bytes, value);
    }

    /// <summary>A block's value in the cache.</summary>
    public uint Get(int index)
    {
        using BlockLease lease = Context.Cache.Read(Block(index));
        return ValueOf(lease.Bytes);
    }

    /// <summary>A block's value in an image.</summary>
    public uint ValueIn(byte[] image, int index)
    {
        int size = Context.Geometry.BlockSizeBytes;
        return ValueOf(image.AsSpan(checked((int)Block(index).Value * size), size));
    }

    /// <summary>Fills a block. Every third value begins with the journal's magic number and has to be
    /// escaped.</summary>
    public static void Fill(Span<byte> block, uint value)
    {
        for (int at = 0; at < block.Length; at += sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block[at..], value);
        }
        if (value % 3 == 0 && value != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(block, 0xC03B3998);
        }
    }

    /// <summary>The value a block was filled with; uint.MaxValue when it is torn.</summary>
    public static uint ValueOf(ReadOnlySpan<byte> block)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        Span<byte> expected = new byte[block.Length];
        Fill(expected, value);
        return expected.SequenceEqual(block) ? value : uint.MaxValue;
    }
}
