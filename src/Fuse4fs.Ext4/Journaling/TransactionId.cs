namespace Fuse4fs.Ext4.Journaling;

/// <summary>Order of transaction numbers, which are 32 bits and wrap. Kernel: tid_gt, tid_geq.</summary>
internal static class TransactionId
{
    /// <summary>True when <paramref name="left"/> is the later one.</summary>
    public static bool IsAfter(uint left, uint right) => unchecked((int)(left - right)) > 0;

    /// <summary>The number behind this one.</summary>
    public static uint Next(uint id) => unchecked(id + 1);
}
