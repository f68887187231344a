using Fuse4fs.Fuse;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Fuse4fs.Testing;
using Xunit;
using Errno = Fuse4fs.KernelTwin.Wire.Errno;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Conformance;

/// <summary>The sample that shows a block device as a file: what is read and written is the device's, and no request is
/// about it.</summary>
public sealed class DiskSampleTests
{
    private const int DiskBytes = 1 << 20;

    [Theory]
    [InlineData("v8", true)]
    [InlineData("v8", false)]
    [InlineData("v9", true)]
    [InlineData("v9", false)]
    public void The_file_is_the_device(string revision, bool isPumped)
    {
        using var directory = new TemporaryDirectory();
        string image = directory.Combine("disk");
        byte[] content = Bench.Bytes(DiskBytes, 1);
        File.WriteAllBytes(image, [.. content, 1, 2, 3]);
        using var storage = new FileStorage(image);
        using FileDescriptor device = LibC.Open(image, Linux.OpenFlags.ReadWrite | Linux.OpenFlags.CloseOnExec, 0);
        var sample = new DiskFileSystem(device, storage.LengthBytes);
        var options = new SessionOptions
        {
            Iomap = sample, Capabilities = new CapabilityRequest { Flags = DiskFileSystem.Wanted },
        };
        using var kernel = new TwinKernel(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9);
        kernel.RegisterDescriptor(device.Number, new BackingDescriptor(storage));
        kernel.Device.Ioctl((uint)DeviceIoctl.SyncInit, []);
        kernel.Attach(isPumped ? new PumpedServer(sample, options) : new ThreadedServer(sample, options));
        Assert.Equal(Errno.Ok, kernel.Mount());

        Use(kernel, content);

        Assert.Equal(Errno.Ok, kernel.Unmount());
        Assert.Equal(content, File.ReadAllBytes(image)[..DiskBytes]);
    }

    /// <param name="kernel">Where it is mounted.</param>
    /// <param name="content">What the device holds, and will hold.</param>
    private static void Use(TwinKernel kernel, byte[] content)
    {
        PosixDriver user = kernel.Process();
        Assert.Contains("disk", user.Readdir("/").Names);
        long fd = user.Open("/disk", OpenFlags.ReadWrite);
        long direct = user.Open("/disk", OpenFlags.ReadWrite | OpenFlags.Direct);
        byte[] buffer = new byte[DiskBytes + 4096];
        _ = kernel.Trace.Take();
        Assert.Equal(DiskBytes, user.Pread(fd, buffer, 0));
        Assert.Equal(content, buffer[..DiskBytes]);
        Assert.Empty(kernel.Trace.Take());

        byte[] data = Bench.Bytes(70_000, 2);
        data.CopyTo(content.AsSpan(5000));
        Assert.Equal(data.Length, user.Pwrite(fd, data, 5000));
        data.AsSpan(0, 65536).CopyTo(content.AsSpan(1 << 19));
        Assert.Equal(65536, user.Pwrite(direct, data[..65536], 1 << 19));
        Assert.Equal(0, user.Fsync(fd));
        Assert.DoesNotContain(kernel.Trace.Take(), line => line.Contains("B(", StringComparison.Ordinal)
            || line.Contains("I[", StringComparison.Ordinal));

        Assert.Equal(-(long)Errno.ENOSPC, user.Pwrite(fd, data, DiskBytes));
        Assert.Equal(DiskBytes, user.Stat("/disk").Stat!.Size);
        Assert.Equal(0, user.Close(direct));
        Assert.Equal(0, user.Close(fd));
    }
}
