using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Protocol;

/// <summary>Sizes and numbers, as the document's tables have them.</summary>
public sealed class WireTests
{
    public static TheoryData<string, int, int> Sizes() => new()
    {
        { "in_header", 40, WireBytes.SizeOf<HeaderWire.RequestHead>() },
        { "out_header", 16, WireBytes.SizeOf<HeaderWire.ReplyHead>() },
        { "attr", 88, WireBytes.SizeOf<AttributeWire.Attr>() },
        { "entry_out", 128, WireBytes.SizeOf<AttributeWire.EntryOut>() },
        { "attr_out", 104, WireBytes.SizeOf<AttributeWire.AttrOut>() },
        { "getattr_in", 16, WireBytes.SizeOf<AttributeWire.GetattrIn>() },
        { "setattr_in", 88, WireBytes.SizeOf<AttributeWire.SetattrIn>() },
        { "statx_in", 24, WireBytes.SizeOf<AttributeWire.StatxIn>() },
        { "statx", 256, WireBytes.SizeOf<AttributeWire.Statx>() },
        { "statx_out", 288, WireBytes.SizeOf<AttributeWire.StatxOut>() },
        { "init_in", 64, WireBytes.SizeOf<SessionWire.InitIn>() },
        { "init_out", 64, WireBytes.SizeOf<SessionWire.InitOut>() },
        { "config_in", 64, WireBytes.SizeOf<SessionWire.ConfigIn>() },
        { "config_out", 104, WireBytes.SizeOf<SessionWire.ConfigOut>() },
        { "freezefs_in, shutdownfs_in, syncfs_in, forget_in", 8, WireBytes.SizeOf<SessionWire.Word>() },
        { "batch_forget_in", 8, WireBytes.SizeOf<SessionWire.BatchForgetIn>() },
        { "forget_one", 16, WireBytes.SizeOf<SessionWire.ForgetOne>() },
        { "open_in", 8, WireBytes.SizeOf<FileWire.OpenIn>() },
        { "open_out", 16, WireBytes.SizeOf<FileWire.OpenOut>() },
        { "create_in", 16, WireBytes.SizeOf<FileWire.CreateIn>() },
        { "release_in", 24, WireBytes.SizeOf<FileWire.ReleaseIn>() },
        { "flush_in", 24, WireBytes.SizeOf<FileWire.FlushIn>() },
        { "fsync_in", 16, WireBytes.SizeOf<FileWire.FsyncIn>() },
        { "read_in, write_in", 40, WireBytes.SizeOf<FileWire.TransferIn>() },
        { "write_out", 8, WireBytes.SizeOf<FileWire.WriteOut>() },
        { "fallocate_in", 32, WireBytes.SizeOf<FileWire.FallocateIn>() },
        { "lseek_in", 24, WireBytes.SizeOf<FileWire.LseekIn>() },
        { "lseek_out", 8, WireBytes.SizeOf<FileWire.LseekOut>() },
        { "copy_file_range_in", 56, WireBytes.SizeOf<FileWire.CopyIn>() },
        { "copy_file_range_out", 8, WireBytes.SizeOf<FileWire.CopyOut>() },
        { "ioctl_in", 32, WireBytes.SizeOf<FileWire.IoctlIn>() },
        { "ioctl_out", 16, WireBytes.SizeOf<FileWire.IoctlOut>() },
        { "mknod_in", 16, WireBytes.SizeOf<NameWire.MknodIn>() },
        { "mkdir_in", 8, WireBytes.SizeOf<NameWire.MkdirIn>() },
        { "rename2_in", 16, WireBytes.SizeOf<NameWire.Rename2In>() },
        { "setxattr_in", 16, WireBytes.SizeOf<NameWire.SetxattrIn>() },
        { "iomap_io", 32, WireBytes.SizeOf<IomapWire.Record>() },
        { "begin_in", 32, WireBytes.SizeOf<IomapWire.BeginIn>() },
        { "begin_out", 64, WireBytes.SizeOf<IomapWire.BeginOut>() },
        { "end_in", 72, WireBytes.SizeOf<IomapWire.EndIn>() },
        { "ioend_in", 48, WireBytes.SizeOf<IomapWire.IoendIn>() },
        { "ioend_out", 8, WireBytes.SizeOf<IomapWire.IoendOut>() },
        { "upsert", 80, WireBytes.SizeOf<IomapWire.Upsert>() },
        { "inval", 48, WireBytes.SizeOf<IomapWire.Invalidate>() },
        { "backing_inval", 24, WireBytes.SizeOf<IomapWire.BackingInvalidate>() },
        { "notify_inval_inode", 24, WireBytes.SizeOf<IomapWire.InvalInode>() },
        { "backing_map", 16, WireBytes.SizeOf<IoctlWire.BackingMap>() },
        { "support", 16, WireBytes.SizeOf<IoctlWire.Support>() },
        { "backing_info", 8, WireBytes.SizeOf<IoctlWire.BackingInfo>() },
        { "backing_stripe", 16, WireBytes.SizeOf<IoctlWire.Stripe>() },
        { "backing_strip", 16, WireBytes.SizeOf<IoctlWire.Strip>() },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_struct_has_its_size(string name, int expected, int actual)
    {
        Assert.NotEmpty(name);
        Assert.Equal(expected, actual);
    }

    /// <summary>Section 6.6, byte by byte.</summary>
    [Fact]
    public void The_worked_example()
    {
        var mapping = new Mapping(8192, 65536, 0x1000000, MappingType.Mapped, 0, 1);
        var empty = new Mapping(8192, 65536, Mapping.NullAddress, MappingType.PureOverwrite, 0, 0);
        var answer = new IomapWire.BeginOut { Read = Revision.V9.Encode(mapping), Write = Revision.V9.Encode(empty) };
        var head = new HeaderWire.ReplyHead { Length = 80, Unique = 0x1A2 };
        const string Expected = "5000000000000000a201000000000000" + "00200000000000000000010000000000"
            + "00000001000000000200000001000000" + "00200000000000000000010000000000"
            + "ffffffffffffffffffff000000000000";
        Assert.Equal(Expected, Convert.ToHexStringLower(WireBytes.Of(head, WireBytes.Of(answer))));
        var upsert = new IomapWire.Upsert
        {
            NodeId = 12,
            AttrIno = 12,
            Read = Revision.V9.Encode(mapping),
            Write = Revision.V9.Encode(empty with { Type = MappingType.NoCache }),
        };
        head = new HeaderWire.ReplyHead { Length = 96, Error = 100 };
        const string Notification = "60000000640000000000000000000000" + "0c000000000000000c00000000000000"
            + "00200000000000000000010000000000" + "00000001000000000200000001000000"
            + "00200000000000000000010000000000" + "fffffffffffffffffdff000000000000";
        Assert.Equal(Notification, Convert.ToHexStringLower(WireBytes.Of(head, WireBytes.Of(upsert))));
    }

    [Fact]
    public void The_two_tables_differ_where_the_revisions_do()
    {
        Assert.Equal(0x80000000, Revision.V8.EncodeOperation(OperationFlags.Writeback));
        Assert.Equal(0x40000004u, Revision.V8.EncodeOperation(OperationFlags.SwapFile | OperationFlags.Report));
        Assert.Equal(0x800u, Revision.V9.EncodeOperation(OperationFlags.Writeback));
        Assert.Equal(0x80000004, Revision.V9.EncodeOperation(OperationFlags.SwapFile | OperationFlags.Report));
        Assert.Equal(OperationFlags.Writeback, Revision.V8.DecodeOperation(0x80000000));
        Assert.Equal(MappingType.PureOverwrite, Revision.V8.DecodeType(255));
        Assert.Equal(MappingType.Unknown, Revision.V8.DecodeType(65535));
        Assert.Equal(MappingType.Unknown, Revision.V8.DecodeType(65532));
        Assert.Equal(MappingType.MappedStripe, Revision.V9.DecodeType(65532));
    }
}
