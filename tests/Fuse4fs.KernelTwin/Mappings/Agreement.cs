using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Whether what the server says now agrees with what it was told and said before, and whether it is any use for
/// the operation. The kernel does not look; users lose data.</summary>
internal sealed class Agreement(TwinKernel kernel)
{
    private const int SectorBytes = 512;

    /// <param name="stamp">When the request was sent.</param>
    public void CheckAnswer(Inode inode, Found found, long stamp, string request)
    {
        if (found.Read.Type == MappingType.RetryCache || found.Write.Type == MappingType.RetryCache)
        {
            return;
        }
        CheckFitness(found, request);
        CheckWritten(inode, found.Target, stamp, request);
        CheckCached(inode, found, request);
        CheckAddress(found.Target, request);
        kernel.BlockUsers.Check(inode, found.Target);
    }

    /// <summary>What was written must stay written.</summary>
    public void CheckWritten(Inode inode, in Mapping mapping, long stamp, string request)
    {
        bool isLost = mapping.Type is MappingType.Hole or MappingType.Delalloc || mapping.IsUnwritten;
        if (isLost && inode.Told.Written.Overlaps(mapping.Offset, mapping.End, stamp))
        {
            kernel.Rules.Report(RuleBook.Converted, $"{request} -> {mapping}, but blocks of it were written");
        }
    }

    /// <summary>Addresses the block layer can use.</summary>
    public void CheckAddress(in Mapping mapping, string request)
    {
        if (!mapping.HasAddress || mapping.IsStripe || kernel.Backing.Device(mapping.Device) is not { } device
            || device.Storage.LengthBytes == 0)
        {
            return;
        }
        if (mapping.Address % (ulong)Math.Max(SectorBytes, device.Storage.SectorBytes) != 0)
        {
            kernel.Rules.Report(RuleBook.SectorAddress, $"{request} -> {mapping} at {mapping.Address}");
        }
        if (mapping.Address + (ulong)mapping.Length > (ulong)device.Storage.LengthBytes)
        {
            kernel.Rules.Report(RuleBook.DeviceBounds, $"{request} -> {mapping} at {mapping.Address}");
        }
    }

    /// <summary>The table "What is acceptable per operation" of section 6.2.</summary>
    private void CheckFitness(Found found, string request)
    {
        OperationFlags operation = found.Operation;
        Mapping target = found.Target;
        bool isWrite = (operation & OperationFlags.Write) != 0;
        bool isDirect = (operation & OperationFlags.Direct) != 0;
        Rule? broken = null;
        if ((operation & OperationFlags.Writeback) != 0 && !target.HasAddress)
        {
            broken = RuleBook.WritebackTarget;
        }
        else if (isDirect && (target.Type == MappingType.Delalloc || (isWrite && target.Type == MappingType.Hole)))
        {
            broken = RuleBook.DirectTarget;
        }
        else if ((operation & OperationFlags.Fault) != 0 && (target.Type is MappingType.Inline or MappingType.Hole))
        {
            broken = RuleBook.FaultTarget;
        }
        else if (isWrite && !isDirect && target.Type == MappingType.Hole)
        {
            broken = RuleBook.BufferedTarget;
        }
        else if ((operation & OperationFlags.SwapFile) != 0 && !IsFitForSwap(target))
        {
            broken = RuleBook.SwapTarget;
        }
        if (broken is not null)
        {
            kernel.Rules.Report(broken, $"{request} -> {target}");
        }
    }

    /// <summary>Section 7.7, first row: older records must have gone before the answer.</summary>
    private void CheckCached(Inode inode, Found found, string request)
    {
        if (inode.Mappings is not { } cache || inode.Ioends.Count > 0 || inode.DirectIo.Count > 0
            || inode.Told.Changing > 0)
        {
            return;
        }
        Mapping read = found.Read;
        foreach (Mapping cached in cache.Read.Overlapping(read.Offset, read.End))
        {
            bool isSame = cached.Type == read.Type && cached.Device == read.Device && (!cached.HasAddress
                || cached.Address - (ulong)cached.Offset == read.Address - (ulong)read.Offset);
            if (!isSame)
            {
                kernel.Rules.Report(RuleBook.StaleRecord, $"{request} -> {read}, but {cached} is still cached");
                return;
            }
        }
    }

    private static bool IsFitForSwap(in Mapping mapping) => mapping.Type is MappingType.Mapped or MappingType.Unwritten
        && (mapping.Flags & (MappingFlags.Dirty | MappingFlags.Shared)) == 0;
}
