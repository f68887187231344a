using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Quota;

/// <summary>All books of a volume.</summary>
internal sealed class VolumeQuotas(IReadOnlyList<QuotaLedger> ledgers, ulong clusterBytes) : IInodeAccounts
{
    /// <inheritdoc/>
    public int Credits => ledgers.Count;

    /// <inheritdoc/>
    public int TransferCredits => ledgers.Count;

    /// <inheritdoc/>
    public void Move(Handle handle, in InodeCharge before, in InodeCharge after)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            uint from = IdOf(ledger, in before);
            uint to = IdOf(ledger, in after);
            if (from == to)
            {
                Change(ledger, handle, to, (long)(after.SpaceBytes - (Int128)before.SpaceBytes),
                    after.Inodes - before.Inodes);
            }
            else
            {
                Change(ledger, handle, from, -(long)before.SpaceBytes, -before.Inodes);
                Change(ledger, handle, to, (long)after.SpaceBytes, after.Inodes);
            }
        }
    }

    /// <inheritdoc/>
    public Errno Prepare(in InodeCharge charge)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            Errno error = ledger.Prepare(IdOf(ledger, in charge));
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public uint LimitSpace(Inode inode, uint wantClusters, bool isPrivileged)
    {
        if (isPrivileged)
        {
            return wantClusters;
        }
        InodeCharge charge = InodeCharge.Of(inode);
        ulong left = ulong.MaxValue;
        foreach (QuotaLedger ledger in ledgers)
        {
            left = Math.Min(left, ledger.SpaceLeft(IdOf(ledger, in charge)));
        }
        return (uint)Math.Min(wantClusters, left / clusterBytes);
    }

    /// <inheritdoc/>
    public void Hold(in InodeCharge owner, long clusters)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            ledger.Hold(IdOf(ledger, in owner), clusters * (long)clusterBytes);
        }
    }

    /// <inheritdoc/>
    public Errno CheckNew(in InodeCharge charge, bool isPrivileged)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            if (!isPrivileged && ledger.InodesLeft(IdOf(ledger, in charge)) < 1)
            {
                return Errno.QuotaExceeded;
            }
        }
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public Errno CheckTransfer(in InodeCharge before, in InodeCharge after, bool isPrivileged)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            uint to = IdOf(ledger, in after);
            if (!isPrivileged && to != IdOf(ledger, in before)
                && (ledger.InodesLeft(to) < (ulong)after.Inodes || ledger.SpaceLeft(to) < after.SpaceBytes))
            {
                return Errno.QuotaExceeded;
            }
        }
        return Errno.Ok;
    }

    /// <summary>Of a project; all 0 when it has no limits.</summary>
    public (ulong SpaceLimit, ulong SpaceBytes, ulong InodeLimit, ulong Inodes) ShowProject(uint projectId)
    {
        foreach (QuotaLedger ledger in ledgers)
        {
            if (ledger.Kind == QuotaKind.Project)
            {
                return ledger.Show(projectId);
            }
        }
        return default;
    }

    private static void Change(QuotaLedger ledger, Handle handle, uint id, long spaceBytes, int inodes)
    {
        if (spaceBytes != 0 || inodes != 0)
        {
            ledger.Change(handle, id, spaceBytes, inodes);
        }
    }

    private static uint IdOf(QuotaLedger ledger, in InodeCharge charge) => ledger.Kind switch
    {
        QuotaKind.User => charge.UserId,
        QuotaKind.Group => charge.GroupId,
        _ => charge.ProjectId,
    };
}
