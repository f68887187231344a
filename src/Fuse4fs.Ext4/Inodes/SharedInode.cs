namespace Fuse4fs.Ext4.Inodes;

/// <summary>An inode referred to and locked for reading; Dispose exactly once. The default holds nothing.</summary>
internal readonly ref struct SharedInode
{
    private readonly InodeReference _reference;
    private readonly InodeLock.SharedScope _scope;

    /// <summary>Waits for the lock.</summary>
    public SharedInode(InodeReference reference)
    {
        _reference = reference;
        _scope = reference.Inode.Lock.Shared();
    }

    /// <summary>Valid until <see cref="Dispose"/>.</summary>
    public Inode Inode => _reference.Inode;

    /// <summary>Gives both back.</summary>
    public void Dispose()
    {
        _scope.Dispose();
        _reference.Dispose();
    }
}
