using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Quota;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>Quotas: kept where the volume has hidden quota files.</content>
public sealed partial class Volume
{
    private static readonly string[] s_visibleQuotaFiles = ["aquota.user", "aquota.group"];

    private readonly List<InodeReference> _quotaFiles = [];

    private VolumeQuotas? Quotas { get; set; }

    /// <summary>Begins to count. Before anything is changed.</summary>
    /// <exception cref="VolumeRefusedException">A quota file is missing or damaged: what is written could not be
    /// counted. </exception>
    private void StartQuotas()
    {
        if (Writing is null)
        {
            return;
        }
        if (!Context.Geometry.Has(RoCompatFeatures.Quota))
        {
            WarnOfVisibleQuotaFiles();
            return;
        }
        try
        {
            Superblock super = Context.CopySuperblock();
            List<QuotaLedger> ledgers = [];
            AddLedger(ledgers, QuotaKind.User, super.UserQuotaInode);
            AddLedger(ledgers, QuotaKind.Group, super.GroupQuotaInode);
            AddLedger(ledgers, QuotaKind.Project,
                Context.Geometry.Has(RoCompatFeatures.Project) ? (uint)super.ProjectQuotaInode : 0);
            Quotas = new VolumeQuotas(
                ledgers, (ulong)Context.Geometry.BlockSizeBytes << Context.Geometry.ClusterShift);
            Inodes.Accounts = Quotas;
        }
        catch (Ext4CorruptException damage)
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Damaged, $"quotas cannot be kept, run e2fsck or mount read-only: {damage.Message}", damage);
        }
    }

    private void AddLedger(List<QuotaLedger> ledgers, QuotaKind kind, uint number)
    {
        if (number == 0)
        {
            return;
        }
        if (Inodes.Acquire(new InodeNumber(number), InodeAccess.Special, out InodeReference reference) != Errno.Ok)
        {
            Ext4CorruptException.Throw(Corruption.QuotaTree, $"quota file of {kind}: inode {number} is not in use");
        }
        _quotaFiles.Add(reference);
        bool hasLimits = ((int)_options.QuotaLimits & (1 << (int)kind)) != 0;
        ledgers.Add(new QuotaLedger(
            Context, Inodes, Journal!, Map,
            () => new BlockAddition(Writing!.Maps, Writing.Holes, Space!.Blocks),
            reference.Inode, kind, hasLimits));
    }

    private void StopQuotas()
    {
        foreach (InodeReference reference in _quotaFiles)
        {
            reference.Dispose();
        }
        _quotaFiles.Clear();
    }

    /// <summary>Before there were hidden ones, quota files were like others. Nobody but the quota tools changes
    /// them.</summary>
    private void WarnOfVisibleQuotaFiles()
    {
        foreach (string name in s_visibleQuotaFiles)
        {
            if (Lookup(InodeNumber.Root, System.Text.Encoding.ASCII.GetBytes(name), out InodeNumber _) == Errno.Ok)
            {
                Context.Events.Warning($"/{name} is not kept up to date: run quotacheck after this mount");
            }
        }
    }
}
