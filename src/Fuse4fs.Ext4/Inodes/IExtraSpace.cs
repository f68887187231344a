namespace Fuse4fs.Ext4.Inodes;

/// <summary>Makes room for the fields behind an inode's first 128 bytes when the record has been written by an older
/// implementation.</summary>
internal interface IExtraSpace
{
    /// <summary>Lets the fields of an inode have more bytes, zeroed, if what stands behind them leaves room. Under the
    /// inode's lock, exclusively, and its record's.</summary>
    /// <param name="inode">Its extra size becomes the wanted one, or stays.</param>
    /// <param name="wantedBytes">Larger than its extra size.</param>
    /// <param name="record">The whole record.</param>
    void TryGrow(Inode inode, int wantedBytes, Span<byte> record);
}
