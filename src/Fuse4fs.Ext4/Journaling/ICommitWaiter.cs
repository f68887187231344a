using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Is told when changes are durable, for replies that are given later. Called on the commit thread, or on the
/// registering one when there is nothing to wait for; must not wait and begins no handle.</summary>
public interface ICommitWaiter
{
    /// <summary>Durable, or the error that prevented it.</summary>
    void Committed(Errno outcome);
}
