using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>The twin with the reference server, mounted, and a root process.</summary>
internal sealed class Mounted : IDisposable
{
    private const long StorageBytes = 64 << 20;

    public Mounted(RefPolicy? policy = null, TwinOptions? options = null, IBlockStorage? storage = null,
        RefVolume? volume = null, bool mounts = true, bool syncs = true)
    {
        Options = options ?? TwinOptions.V8;
        Policy = (policy ?? RefPolicy.Recorded) with { Revision = Options.Revision };
        Volume = volume ?? new RefVolume(storage ?? new MemoryStorage(StorageBytes), Policy.BlockSize);
        Kernel = new TwinKernel(Options);
        RefServer.Register(Kernel, Volume, Policy.Mischief);
        Server = new RefServer(Volume, Policy);
        if (syncs)
        {
            Kernel.Device.Ioctl((uint)DeviceIoctl.SyncInit, []);
        }
        Kernel.Attach(Server);
        if (mounts)
        {
            Assert.Equal(Errno.Ok, Kernel.Mount());
        }
        User = Kernel.Process();
    }

    public TwinOptions Options { get; }

    public RefPolicy Policy { get; }

    public RefVolume Volume { get; }

    public TwinKernel Kernel { get; }

    public RefServer Server { get; }

    public PosixDriver User { get; }

    /// <summary>A new file, opened for reading and writing.</summary>
    public long Create(string path, uint flags = 0)
    {
        long fd = User.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | flags);
        Assert.True(fd >= 0, $"open: {fd}");
        return fd;
    }

    /// <summary>A file of written bytes, with a clean cache and clean times; the trace starts afterwards.</summary>
    public long Written(string path, int size, uint flags = 0)
    {
        long fd = Create(path);
        byte[] data = Bytes(size);
        Assert.Equal(size, User.Pwrite(fd, data, 0));
        Assert.Equal(0, User.Fsync(fd));
        Assert.Equal(0, User.DropCache(fd));
        Assert.Equal(0, User.Stat("/").Error);
        if (flags != 0)
        {
            long second = User.Open(path, OpenFlags.ReadWrite | flags);
            User.Close(fd);
            fd = second;
        }
        Quiet();
        return fd;
    }

    /// <summary>Lets everything settle and forgets the trace so far.</summary>
    public void Quiet()
    {
        Kernel.Settle();
        Kernel.Trace.Take();
    }

    /// <summary>The messages since the last look. A line may leave out the end of an actual one.</summary>
    public void Expect(params string[] expected)
    {
        Kernel.Settle();
        string[] actual = Kernel.Trace.Take();
        bool fits = expected.Length == actual.Length;
        for (int index = 0; fits && index < expected.Length; index++)
        {
            fits = Fits(expected[index], actual[index]);
        }
        Assert.True(fits, $"expected:\n  {string.Join("\n  ", expected)}\nactual:\n  {string.Join("\n  ", actual)}");
    }

    /// <summary>As Expect, without the requests about capabilities.</summary>
    public void ExpectWithoutGx(params string[] expected)
    {
        Kernel.Settle();
        string[] actual = [.. Kernel.Trace.Take().Where(line => line != "GX")];
        bool fits = expected.Length == actual.Length
            && expected.Zip(actual).All(pair => Fits(pair.First, pair.Second));
        Assert.True(fits, $"expected:\n  {string.Join("\n  ", expected)}\nactual:\n  {string.Join("\n  ", actual)}");
    }

    public string[] Lines()
    {
        Kernel.Settle();
        return Kernel.Trace.Take();
    }

    public Mounted Remount()
    {
        Assert.Equal(Errno.Ok, Kernel.Unmount());
        Dispose();
        RefServer.ForgetEverything(Volume);
        return new Mounted(Policy, Options, volume: Volume);
    }

    public static byte[] Bytes(int size, int seed = 1)
    {
        byte[] data = new byte[size];
        new Random(seed).NextBytes(data);
        return data;
    }

    public void Dispose() => Kernel.Dispose();

    private static bool Fits(string expected, string actual) =>
        actual == expected || actual.StartsWith(expected + " ", StringComparison.Ordinal);
}
