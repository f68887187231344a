using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>BEGIN, END, IOEND.</summary>
internal sealed partial class RefServer
{
    private const uint DeviceId = 1;

    private (Errno, byte[]) Begin(RefNode node, in IomapWire.BeginIn begin)
    {
        OperationFlags operation = policy.Revision.DecodeOperation(begin.OperationFlags);
        long position = (long)begin.Position;
        long end = position + (long)begin.Count;
        Errno error = Prepare(node, operation, position, end);
        if (error != Errno.Ok)
        {
            return (Mischief == Mischief.NotblkAnswered ? Errno.ENOTBLK : error, []);
        }
        Mapping mapping = Mischiefs.Spoil(Mischief, operation, _extents.Around(node, position), BlockSize, position);
        var answer = new IomapWire.BeginOut
        {
            Read = policy.Revision.Encode(mapping),
            Write = policy.Revision.Encode(Empty(mapping, MappingType.PureOverwrite)),
        };
        answer = Mischiefs.Spoil(Mischief, operation, policy.Revision, node, answer, BlockSize);
        answer = OnBegin?.Invoke(node, begin, answer) ?? answer;
        if (Mischief == Mischief.InvalInodeInHandler)
        {
            Notify(NotifyCode.InvalInode, WireBytes.Of(new IomapWire.InvalInode { NodeId = node.Ino }));
        }
        if ((policy.Upserts || Mischief == Mischief.RetryForever) && CanUpsert(operation) && mapping.Type != MappingType.Unknown)
        {
            bool isUpserted = Upsert(node, mapping, operation);
            if ((policy.Retries || Mischief == Mischief.RetryForever) && isUpserted && CanRetry(operation, mapping))
            {
                answer.Read = policy.Revision.Encode(Empty(mapping, MappingType.RetryCache));
                answer.Write = policy.Revision.Encode(Empty(mapping, MappingType.RetryCache));
            }
        }
        if (Mischief == Mischief.InvalUnaligned)
        {
            Invalidate(node, 100, 4096);
        }
        byte[] body = WireBytes.Of(answer);
        return (Errno.Ok, Mischief == Mischief.ShortBeginReply ? body[..32] : body);
    }

    /// <summary>Allocates, reserves, converts: what must be there before the answer.</summary>
    private Errno Prepare(RefNode node, OperationFlags operation, long position, long end)
    {
        bool writes = (operation & OperationFlags.Write) != 0;
        bool isDirect = (operation & OperationFlags.Direct) != 0;
        bool isFault = (operation & OperationFlags.Fault) != 0;
        bool isWriteback = (operation & OperationFlags.Writeback) != 0;
        if (node.Inline is not null && ((writes && end > BlockSize) || (isFault && Mischief != Mischief.InlineForFault)
            || isWriteback))
        {
            Errno moved = _extents.MoveOut(node);
            if (moved != Errno.Ok)
            {
                return moved;
            }
        }
        if (node.Inline is not null)
        {
            return Errno.Ok;
        }
        bool keepsHole = (writes && !isDirect && Mischief == Mischief.HoleToBufferedWrite)
            || (isDirect && Mischief == Mischief.HoleToDirectWrite);
        if (writes && !keepsHole)
        {
            node.FreshReservations.Clear();
            bool reserves = policy.Delays && !isDirect && !isFault;
            reserves |= isDirect && Mischief == Mischief.DelallocToDirectWrite;
            Errno error = _extents.Fill(node, position, end, reserves);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        if ((isWriteback || (isDirect && writes)) && Mischief is not Mischief.HoleToWriteback
            and not Mischief.DelallocToDirectWrite)
        {
            long to = policy.ConvertsWholeExtents ? Math.Max(end, _extents.Around(node, position).End) : end;
            return _extents.Convert(node, position, Math.Min(to, end + (1 << 30)));
        }
        return Errno.Ok;
    }

    private (Errno, byte[]) End(RefNode node, in IomapWire.EndIn end)
    {
        OperationFlags operation = policy.Revision.DecodeOperation(end.OperationFlags);
        if ((operation & OperationFlags.Writeback) != 0 && Mischief == Mischief.EndErrorForWriteback)
        {
            return (Errno.EIO, []);
        }
        long stop = (long)end.Position + end.Written;
        bool isAppend = ((MappingFlags)end.Map.Flags & MappingFlags.SizeChanged) != 0;
        if (isAppend && Mischief != Mischief.SizeChangedIgnored)
        {
            node.PendingSize = Math.Max(node.PendingSize, stop);
        }
        if ((operation & OperationFlags.Write) != 0 && Mischief != Mischief.EndKeepsReservation)
        {
            long first = (stop + BlockSize - 1) / BlockSize;
            long last = ((long)(end.Position + end.Count) + BlockSize - 1) / BlockSize;
            if (Mischief == Mischief.EndFreesWhatWasWritten)
            {
                first = (long)end.Position / BlockSize;
            }
            foreach (long block in node.FreshReservations.Where(block => block >= first && block < last).ToArray())
            {
                if (node.Blocks.TryGetValue(block, out RefBlock here) && here.IsReserved)
                {
                    _extents.Remove(node, block, block + 1);
                }
            }
        }
        return (Errno.Ok, Mischief == Mischief.EndAnsweredWithBody ? new byte[8] : []);
    }

    private (Errno, byte[]) Ioend(RefNode node, in IomapWire.IoendIn ioend)
    {
        var flags = (IoendFlags)ioend.Flags;
        long end = (long)(ioend.Position + ioend.Written);
        bool isGood = ioend.Error == 0 || Mischief == Mischief.IoendConvertsDespiteError;
        if (isGood && (flags & IoendFlags.SwapOff) == 0)
        {
            if (Mischief != Mischief.IoendDoesNotConvert)
            {
                _extents.MarkWritten(node, (long)ioend.Position, end);
            }
            node.Size = Mischief == Mischief.IoendSetsSize ? end : Math.Max(node.Size, end);
            if (Mischief == Mischief.ServerTouchesTimes)
            {
                node.Mtime = volume.Now();
            }
        }
        if (ioend.Error != 0)
        {
            DropReservations(node, (long)ioend.Position, end);
        }
        ulong size = Mischief == Mischief.IoendAnswersZero ? 0 : (ulong)node.Size;
        byte[] answer = WireBytes.Of(new IomapWire.IoendOut { NewSize = size });
        return (Errno.Ok, Mischief == Mischief.EmptyIoendReply ? [] : answer);
    }

    /// <summary>Data that could not be written: what was reserved for it is given back.</summary>
    private void DropReservations(RefNode node, long from, long to)
    {
        for (long block = from / BlockSize; block * BlockSize < to; block++)
        {
            if (node.Blocks.TryGetValue(block, out RefBlock here) && here.IsReserved)
            {
                _extents.Remove(node, block, block + 1);
            }
        }
    }

    private bool CanUpsert(OperationFlags operation) => Mischief switch
    {
        Mischief.StaleCacheAfterAllocation => (operation & OperationFlags.Write) == 0,
        Mischief.RetryForever => true,
        _ => (operation & (OperationFlags.Report | OperationFlags.SwapFile | OperationFlags.Atomic)) == 0,
    };

    private static bool CanRetry(OperationFlags operation, in Mapping mapping)
    {
        bool writes = (operation & (OperationFlags.Write | OperationFlags.Writeback)) != 0;
        bool needsBlocks = (operation & (OperationFlags.Direct | OperationFlags.Writeback)) != 0;
        return !(writes && mapping.Type == MappingType.Hole) && !(needsBlocks && mapping.Type == MappingType.Delalloc);
    }

    private bool Upsert(RefNode node, Mapping mapping, OperationFlags operation)
    {
        if (Mischief == Mischief.RetryForever && (operation & OperationFlags.Write) != 0)
        {
            mapping = new Mapping(0, 1 << 30, Mapping.NullAddress, MappingType.Hole, 0, 0);
        }
        MappingType other = Mischief == Mischief.UpsertOfRetry ? MappingType.RetryCache : MappingType.NoCache;
        var upsert = new IomapWire.Upsert
        {
            NodeId = node.Ino,
            AttrIno = Mischief == Mischief.UpsertWithWrongInode ? node.Ino + 1 : node.Ino,
            Read = policy.Revision.Encode(mapping),
            Write = policy.Revision.Encode(Empty(mapping, other)),
        };
        if (Mischief == Mischief.UpsertUnaligned)
        {
            upsert.Read.Length -= 100;
        }
        if (Mischief == Mischief.UpsertBeyondDevice && mapping.HasAddress)
        {
            upsert.Read.Address = (ulong)volume.Storage.LengthBytes;
        }
        bool isUpserted = Notify(NotifyCode.UpsertMappings, WireBytes.Of(upsert)) == 0;
        node.HasCache |= isUpserted;
        if (!isUpserted && node.HasCache)
        {
            // What is cached there may be older than this answer: it must not outlive it.
            Invalidate(node, (ulong)mapping.Offset, (ulong)mapping.Length);
        }
        return isUpserted;
    }

    internal int Invalidate(RefNode node, ulong offset, ulong length) => Notify(NotifyCode.InvalMappings,
        WireBytes.Of(new IomapWire.Invalidate
        {
            NodeId = node.Ino,
            AttrIno = node.Ino,
            ReadOffset = offset,
            ReadLength = length,
            WriteOffset = offset,
            WriteLength = length,
        }));

    internal static Mapping Empty(in Mapping range, MappingType type) =>
        new(range.Offset, range.Length, Mapping.NullAddress, type, 0, 0);
}
