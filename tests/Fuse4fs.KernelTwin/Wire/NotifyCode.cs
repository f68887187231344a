namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_NOTIFY_*: a message of the server's own.</summary>
public enum NotifyCode
{
    Poll = 1, InvalInode = 2, InvalEntry = 3, Store = 4, Retrieve = 5, Delete = 6, Resend = 7, IncrementEpoch = 8,
    Prune = 9, BackingInval = 99, UpsertMappings = 100, InvalMappings = 101,
}
