using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Protocol;

/// <summary>Our structures against the description's sizes, and field by field against the twin's, which were written
/// without ours.</summary>
public sealed class WireTests
{
    [Fact]
    public void Sizes_are_those_of_the_description()
    {
        (string Name, int Ours, int Theirs)[] sizes =
        [
            ("io", Unsafe.SizeOf<IomapRecord>(), 32),
            ("begin_in", Unsafe.SizeOf<IomapBeginIn>(), 32),
            ("begin_out", Unsafe.SizeOf<IomapBeginOut>(), 64),
            ("end_in", Unsafe.SizeOf<IomapEndIn>(), 72),
            ("ioend_in", Unsafe.SizeOf<IomapIoEndIn>(), 48),
            ("ioend_out", Unsafe.SizeOf<IomapIoEndOut>(), 8),
            ("config_in", Unsafe.SizeOf<IomapConfigIn>(), 64),
            ("config_out", Unsafe.SizeOf<IomapConfigOut>(), 104),
            ("upsert", Unsafe.SizeOf<NotifyUpsertMappings>(), 80),
            ("inval", Unsafe.SizeOf<NotifyInvalidateMappings>(), 48),
            ("backing_inval", Unsafe.SizeOf<NotifyInvalidateBacking>(), 24),
            ("support", Unsafe.SizeOf<IomapSupport>(), 16),
            ("backing_map", Unsafe.SizeOf<BackingMap>(), 16),
            ("backing_info", Unsafe.SizeOf<BackingInfo>(), 8),
            ("stripe", Unsafe.SizeOf<BackingStripe>(), 16),
            ("strip", Unsafe.SizeOf<BackingStrip>(), 16),
            ("freezefs_in", Unsafe.SizeOf<FreezeIn>(), 8),
            ("shutdownfs_in", Unsafe.SizeOf<ShutdownIn>(), 8),
            ("statx", Unsafe.SizeOf<StatxAttributes>(), 256),
            ("statx_out", Unsafe.SizeOf<StatxOut>(), 288),
        ];
        Assert.All(sizes, size => Assert.True(size.Ours == size.Theirs, $"{size.Name}: {size.Ours}"));
    }

    [Fact]
    public void Fields_lie_where_the_twin_has_them()
    {
        IomapWire.IoendIn ioend = Read<IomapWire.IoendIn>(new IomapIoEndIn
        {
            Flags = 1, Error = -2, Inode = 3, Position = 4, NewAddress = 5, Written = 6, Device = 7,
        });
        Assert.Equal((1u, -2, 4UL, 6UL), (ioend.Flags, ioend.Error, ioend.Position, ioend.Written));
        var record = new IomapRecord { Offset = 1, Length = 2, Address = 3, Type = 4, Flags = 5, Device = 6 };
        IomapWire.EndIn end = Read<IomapWire.EndIn>(new IomapEndIn
        {
            Operation = 1, Inode = 2, Position = 3, Count = 4, Written = 5, Map = record,
        });
        Assert.Equal((1u, 3UL, 4UL, 5L), (end.OperationFlags, end.Position, end.Count, end.Written));
        Assert.Equal((1UL, 2UL, 3UL), (end.Map.Offset, end.Map.Length, end.Map.Address));
        Assert.Equal(((ushort)4, (ushort)5, 6u), (end.Map.Type, end.Map.Flags, end.Map.Device));
        IomapWire.Upsert upsert = Read<IomapWire.Upsert>(new NotifyUpsertMappings
        {
            NodeId = 8, Inode = 9, Read = record, Write = record with { Offset = 10 },
        });
        Assert.Equal((8UL, 9UL, 1UL, 10UL), (upsert.NodeId, upsert.AttrIno, upsert.Read.Offset, upsert.Write.Offset));
        IomapWire.Invalidate inval = Read<IomapWire.Invalidate>(new NotifyInvalidateMappings
        {
            NodeId = 1, Inode = 2, ReadOffset = 3, ReadLength = 4, WriteOffset = 5, WriteLength = 6,
        });
        Assert.Equal((1UL, 2UL, 3UL, 4UL), (inval.NodeId, inval.AttrIno, inval.ReadOffset, inval.ReadLength));
        Assert.Equal((5UL, 6UL), (inval.WriteOffset, inval.WriteLength));
    }

    private static T Read<T>(ValueType ours) where T : unmanaged
    {
        byte[] bytes = new byte[Marshal.SizeOf(ours)];
        GCHandle pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            Marshal.StructureToPtr(ours, pin.AddrOfPinnedObject(), fDeleteOld: false);
        }
        finally
        {
            pin.Free();
        }
        return MemoryMarshal.Read<T>(bytes);
    }
}
