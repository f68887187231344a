using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Protocol;

/// <summary>The ioctls on /dev/fuse: section 2.3, traces 2; stripes and removal: section 11.</summary>
public sealed class IoctlTests
{
    [Fact]
    public void Support_and_blessing()
    {
        using var kernel = new TwinKernel(TwinOptions.V8 with { MounterHasRawIo = false });
        kernel.Device.HasRawIo = false;
        byte[] support = new byte[16];
        Assert.Equal(0, kernel.Device.Ioctl((uint)DeviceIoctl.Support, support));
        Assert.Equal(0, support[0]);
        Assert.Equal(-(int)Errno.EPERM, kernel.Device.Ioctl((uint)DeviceIoctl.AddIomap, []));
        kernel.Device.HasRawIo = true;
        Assert.Equal(0, kernel.Device.Ioctl((uint)DeviceIoctl.AddIomap, []));
        kernel.Device.HasRawIo = false;
        kernel.Device.Ioctl((uint)DeviceIoctl.Support, support);
        Assert.Equal(3, support[0]);
        using var off = new TwinKernel(TwinOptions.V8 with { IsIomapEnabled = false });
        Assert.Equal(-(int)Errno.EPERM, off.Device.Ioctl((uint)DeviceIoctl.AddIomap, []));
        Assert.Equal(-(int)Errno.EPERM, off.Device.Ioctl((uint)DeviceIoctl.BackingOpen, new byte[16]));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, -(int)Errno.EINVAL)]
    public void Blessing_a_mounted_descriptor(bool isV8, int expected)
    {
        using var mounted = new Mounted(options: isV8 ? TwinOptions.V8 : TwinOptions.V9);
        Assert.Equal(expected, mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.AddIomap, []));
        Assert.Equal(isV8 ? -(int)Errno.ENOTTY : -(int)Errno.EINVAL,
            mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.StripeConfig, new byte[16]));
        Assert.Equal(0, mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.SetNofs, [1, 0, 0, 0]));
        Assert.Equal(-(int)Errno.EINVAL, mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.SetNofs, [2, 0, 0, 0]));
        Assert.Contains(Environment.CurrentManagedThreadId, mounted.Kernel.ThreadsWithoutRecursion);
    }

    [Theory]
    [InlineData(7, 1u, 0UL, 2)]
    [InlineData(7, 3u, 0UL, -(int)Errno.EOPNOTSUPP)]
    [InlineData(7, 0x101u, 0UL, -(int)Errno.EINVAL)]
    [InlineData(7, 1u, 1UL, -(int)Errno.EINVAL)]
    [InlineData(99, 1u, 0UL, -(int)Errno.EBADF)]
    [InlineData(8, 1u, 0UL, -(int)Errno.ENODEV)]
    [InlineData(7, 0u, 0UL, -(int)Errno.EPERM)]
    public void Registering_a_device(int descriptor, uint flags, ulong padding, int expected)
    {
        using var mounted = new Mounted();
        mounted.Kernel.RegisterDescriptor(8, new BackingDescriptor(null));
        Assert.Equal(expected, Open(mounted, descriptor, flags, padding));
    }

    [Fact]
    public void Closing_and_block_sizes()
    {
        using var mounted = new Mounted();
        Assert.Equal(-(int)Errno.EBUSY, Close(mounted, 1));
        Assert.Equal(-(int)Errno.ENOENT, Close(mounted, 5));
        Assert.Equal(-(int)Errno.EINVAL, Close(mounted, 0));
        Assert.Equal(0, BlockSize(mounted, 1, 1024));
        Assert.Equal(-(int)Errno.EINVAL, BlockSize(mounted, 1, 100));
        Assert.Equal(-(int)Errno.ENOENT, BlockSize(mounted, 9, 1024));
        mounted.Kernel.RegisterDescriptor(9, new BackingDescriptor(mounted.Volume.Storage, IsExclusive: false));
        Assert.Equal(2, Open(mounted, 9, 1, 0));
        Assert.Equal(-(int)Errno.EINVAL, BlockSize(mounted, 2, 1024));
    }

    [Fact]
    public void A_device_goes_when_no_file_is_known()
    {
        using var mounted = new Mounted(options: TwinOptions.V9);
        Assert.Equal(2, Open(mounted, 7, 1, 0));
        long fd = mounted.Create("/f");
        Assert.Equal(-(int)Errno.EBUSY, Close(mounted, 2));
        mounted.User.Close(fd);
        mounted.Kernel.DropCaches(inodes: true);
        Assert.Equal(0, Close(mounted, 2));
        Assert.Equal(-(int)Errno.ENOENT, Close(mounted, 2));
    }

    [Fact]
    public void Stripes()
    {
        using var mounted = new Mounted(options: TwinOptions.V9);
        var second = new MemoryStorage(1 << 20);
        mounted.Kernel.RegisterDescriptor(8, new BackingDescriptor(second));
        Assert.Equal(2, Open(mounted, 8, 1, 0));
        Assert.Equal(-(int)Errno.ENODEV, Stripe(mounted, 8192, (1, 0), (9, 0)));
        Assert.Equal(-(int)Errno.EINVAL, Stripe(mounted, 0, (1, 0)));
        int set = Stripe(mounted, 8192, (1, 1 << 20), (2, 65536));
        Assert.Equal(2048, set);
        mounted.Server.OnBegin = (_, begin, answer) =>
        {
            ulong block = begin.Position / 4096 * 4096;
            answer.Read = new IomapWire.Record
            {
                Offset = block, Length = 1 << 20, Address = block, Type = Revision.V9.MappedStripe, Device = (uint)set,
                Flags = (ushort)MappingFlags.New,
            };
            (answer.Write.Offset, answer.Write.Length) = (block, 1 << 20);
            return answer;
        };
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        byte[] data = Mounted.Bytes(32768);
        Assert.Equal(data.Length, mounted.User.Pwrite(fd, data, 0));
        Assert.Equal(4, mounted.Lines().Count(line => line.StartsWith("B(W|DIR)", StringComparison.Ordinal)));
        byte[] part = new byte[8192];
        second.Read(65536 + 8192, part);
        Assert.Equal(data[24576..], part);
        mounted.Volume.Storage.Read((1 << 20) + 8192, part);
        Assert.Equal(data[16384..24576], part);
    }

    [Fact]
    public void An_odd_stripe_is_corruption()
    {
        using var mounted = new Mounted(options: TwinOptions.V9 with { IsStrict = false });
        int set = Stripe(mounted, 1000, (1, 0));
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            answer.Read.Type = Revision.V9.MappedStripe;
            answer.Read.Device = (uint)set;
            return answer;
        };
        long fd = mounted.Create("/f", OpenFlags.Direct);
        Assert.Equal(-(long)Errno.EUCLEAN, mounted.User.Pwrite(fd, new byte[4096], 0));
        Assert.Contains(mounted.Kernel.Rules.Violations, broken => broken.Rule == Rules.RuleBook.StripeShape);
    }

    private static int Open(Mounted mounted, int descriptor, uint flags, ulong padding) =>
        mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.BackingOpen, WireBytes.Of(
            new IoctlWire.BackingMap { Descriptor = descriptor, Flags = flags, Padding = padding }));

    private static int Close(Mounted mounted, int id) =>
        mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.BackingClose, WireBytes.Of(id));

    private static int BlockSize(Mounted mounted, uint id, uint size) =>
        mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.SetBlockSize,
            WireBytes.Of(new IoctlWire.BackingInfo { BackingId = id, BlockSize = size }));

    private static int Stripe(Mounted mounted, ulong width, params (uint Device, ulong Address)[] strips)
    {
        byte[] argument = WireBytes.Of(new IoctlWire.Stripe { Strips = (ushort)strips.Length, StripWidth = width },
            [.. strips.Select(strip => WireBytes.Of(
                new IoctlWire.Strip { Device = strip.Device, Address = strip.Address }))]);
        return mounted.Kernel.Device.Ioctl((uint)DeviceIoctl.StripeConfig, argument);
    }
}
