using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Failures since the superblock was last told of any. Immutable.</summary>
/// <remarks>Kernel: ext4_update_super.</remarks>
internal sealed record ErrorBatch(VolumeErrorRecord First, VolumeErrorRecord Last, uint Count)
{
    /// <summary>A batch, which may be none, and one more.</summary>
    public static ErrorBatch Add(ErrorBatch? batch, in VolumeErrorRecord record) => batch is null
        ? new ErrorBatch(record, record, 1)
        : batch with { Last = record, Count = batch.Count + (batch.Count < uint.MaxValue ? 1u : 0u) };

    /// <summary>Two batches, either of which may be none, as one.</summary>
    public static ErrorBatch? Join(ErrorBatch? earlier, ErrorBatch? later) => earlier is null || later is null
        ? earlier ?? later
        : new ErrorBatch(
            earlier.First, later.Last, (uint)Math.Min(uint.MaxValue, (ulong)earlier.Count + later.Count));

    /// <summary>Enters all of it.</summary>
    public void Store(ref Superblock super)
    {
        super.State = (ushort)(super.State | (ushort)VolumeStates.Errors);
        First.StoreFirst(ref super);
        Last.StoreLast(ref super);
        super.ErrorCount = (uint)Math.Min(uint.MaxValue, (ulong)super.ErrorCount + Count);
    }
}
