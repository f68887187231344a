using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.Server.Handlers;

/// <summary>FS_IOC_GETFSMAP: whose the space is. Only the head is on the wire: the records are put into the caller's
/// memory, where that is permitted.</summary>
/// <remarks>Kernel: ext4_ioc_getfsmap.</remarks>
internal static class SpaceMapIoControl
{
    private const uint DataDevice = 0, JournalDevice = 1;

    /// <summary>FMR_OF_SPECIAL_OWNER, FMR_OF_LAST. Source: linux/fsmap.h.</summary>
    private const uint SpecialOwner = 0x10, Last = 0x20;

    /// <summary>Records put into the caller's memory at once.</summary>
    private const int BatchRecords = 512;

    public static Errno Get(ServedVolume server, in InHeader header, in IoControlIn request, ReadOnlySpan<byte> input,
        ref ReplyWriter reply)
    {
        if (!MemoryMarshal.TryRead(input, out SpaceMapHead head) || head.HasReserved || head.InFlags != 0
            || !IsDevice(server, head.Low.Device) || !IsDevice(server, head.High.Device)
            || head.Low.Offset != 0 || head.High.Offset is not (0 or ulong.MaxValue)
            || request.OutputSize < (uint)Unsafe.SizeOf<SpaceMapHead>())
        {
            return Errno.Invalid;
        }
        if (head.Count > 0 && !VolumeIoControl.MayTouchMemory(in header))
        {
            return Errno.NotPermitted;
        }
        // The last record of one answer is the lower bound of the next query.
        head.Low.Physical = unchecked(head.Low.Physical + head.Low.Length);
        if (!IsBelow(in head.Low, in head.High))
        {
            return Errno.Invalid;
        }
        var query = new Query(server, CallerMemory.Of(server, in header, in request), head);
        DeferredReply later = reply.Defer(in header);
        LongWork.Run(server, later, cancellation => query.Answer(later, cancellation));
        return Errno.Ok;
    }

    private static bool IsDevice(ServedVolume server, uint device) => device is DataDevice or uint.MaxValue
        || (device == JournalDevice && server.Volume.TryMapExternalJournal(out _));

    private static bool IsBelow(in SpaceMapRecord low, in SpaceMapRecord high) =>
        (low.Device, low.Physical, low.Owner).CompareTo((high.Device, high.Physical, high.Owner)) < 0;

    /// <summary>FMR_OWN_*, and those of ext4: a type in the upper half, a code in the lower.</summary>
    private static ulong OwnerOf(SpaceOwner owner)
    {
        (ulong type, ulong code) = owner switch
        {
            SpaceOwner.Free => (0ul, 1ul),
            SpaceOwner.Superblock => ('X', 1ul),
            SpaceOwner.ExternalJournal => ('X', 2ul),
            SpaceOwner.InodeTable => ('X', 5ul),
            SpaceOwner.GroupDescriptors => ('f', 1ul),
            SpaceOwner.ReservedDescriptors => ('f', 2ul),
            SpaceOwner.BlockBitmap => ('f', 3ul),
            SpaceOwner.InodeBitmap => ('f', 4ul),
            _ => (0ul, 2ul),
        };
        return (type << 32) | code;
    }

    private sealed class Query(ServedVolume server, CallerMemory memory, SpaceMapHead head)
    {
        private readonly int _shift = server.Volume.Context.Geometry.BlockSizeShift;
        private readonly List<SpaceMapRecord> _batch = [];
        private ulong _put;
        private SpaceMapRecord _last;

        public void Answer(DeferredReply reply, CancellationToken cancellation)
        {
            ulong last = head.High.Device == DataDevice ? head.High.Physical >> _shift : ulong.MaxValue;
            Errno error = server.Volume.MapSpace(
                head.Low.Physical >> _shift, last, cancellation, out IEnumerable<SpaceRecord> records);
            if (error != Errno.Ok)
            {
                reply.Complete(error);
                return;
            }
            head.Entries = 0;
            bool isWhole = (head.Low.Device != DataDevice || PutAll(DataDevice, records)) && PutJournal();
            if (isWhole && _put + (ulong)_batch.Count > 0)
            {
                _last.Flags |= Last;
                PutLast();
            }
            if (!Flush())
            {
                reply.Complete(Errno.BadAddress);
                return;
            }
            Span<byte> answer = stackalloc byte[IoControlCommands.AnswerBytes + Unsafe.SizeOf<SpaceMapHead>()];
            answer.Clear();
            MemoryMarshal.Write(answer[IoControlCommands.AnswerBytes..], in head);
            reply.Complete(answer);
        }

        private bool PutJournal()
        {
            bool isWanted = head.High.Device >= JournalDevice
                && (head.Low.Device < JournalDevice || (head.Low.Device == JournalDevice && head.Low.Physical == 0));
            return !isWanted || !server.Volume.TryMapExternalJournal(out SpaceRecord journal)
                || PutAll(JournalDevice, [journal]);
        }

        /// <returns>False when there is no room for more.</returns>
        private bool PutAll(uint device, IEnumerable<SpaceRecord> records)
        {
            foreach (SpaceRecord record in records)
            {
                if (head.Entries == (head.Count == 0 ? uint.MaxValue : head.Count))
                {
                    return false;
                }
                head.Entries++;
                if (head.Count > 0 && !Put(device, in record))
                {
                    return false;
                }
            }
            return true;
        }

        private bool Put(uint device, in SpaceRecord record)
        {
            if (_batch.Count == BatchRecords && !Flush())
            {
                return false;
            }
            _last = new SpaceMapRecord
            {
                Device = device,
                Flags = SpecialOwner,
                Physical = record.Start.Value << _shift,
                Owner = OwnerOf(record.Owner),
                Length = record.LengthBlocks << _shift,
            };
            _batch.Add(_last);
            return true;
        }

        private void PutLast() => _batch[^1] = _last;

        private bool Flush()
        {
            ulong place = (ulong)Unsafe.SizeOf<SpaceMapHead>() + (_put * (ulong)Unsafe.SizeOf<SpaceMapRecord>());
            bool isDone = _batch.Count == 0
                || memory.TryWrite(place, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_batch)));
            if (isDone)
            {
                _put += (ulong)_batch.Count;
                _batch.Clear();
            }
            return isDone;
        }
    }
}
