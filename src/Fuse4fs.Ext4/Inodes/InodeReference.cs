namespace Fuse4fs.Ext4.Inodes;

/// <summary>Keeps an inode's object in memory. Dispose exactly once; not a lock.</summary>
public readonly struct InodeReference : IDisposable
{
    private readonly InodeTable? _table;

    internal InodeReference(InodeTable table, Inode inode)
    {
        _table = table;
        Inode = inode;
    }

    /// <summary>The object, valid until <see cref="Dispose"/>.</summary>
    public Inode Inode { get; } = null!;

    /// <summary>Gives the reference back.</summary>
    public void Dispose() => _table?.Release(Inode);
}
