using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>A mounted server under test, and checks that name what failed.</summary>
/// <param name="mount">Makes a twin with a server attached, and mounts it: on fresh storage, or again on what is there.
/// </param>
public sealed class Bench(Func<bool, TwinKernel> mount) : IDisposable
{
    private const int Page = 4096;
    private const int MostTries = 500;
    private TwinKernel? _kernel;
    private PosixDriver? _user;

    public TwinKernel Kernel => _kernel ??= mount(true);

    public PosixDriver User => _user ??= Kernel.Process();

    public int BlockSize => Kernel.Config.BlockSize;

    /// <summary>Unmounts and mounts again: what is left is what was persisted.</summary>
    public void Remount()
    {
        Finish();
        _kernel!.Dispose();
        _kernel = mount(false);
        _user = null;
    }

    /// <summary>Unmounts; broken rules come up here at the latest.</summary>
    public void Finish()
    {
        Kernel.Settle();
        Equal(Errno.Ok, Kernel.Unmount(), "umount");
        Kernel.Settle();
        if (Kernel.Rules.Violations.Count > 0)
        {
            throw new Rules.RuleViolationException(Kernel.Rules.Violations[0]);
        }
    }

    public long Open(string path, uint flags = OpenFlags.ReadWrite)
    {
        long fd = User.Open(path, flags);
        return fd >= 0 ? fd : throw new ConformanceException($"open {path}: {fd}");
    }

    public long Create(string path) => Open(path, OpenFlags.ReadWrite | OpenFlags.Create);

    public void Write(long fd, byte[] data, long offset) =>
        Equal(data.Length, User.Pwrite(fd, data, offset), $"write {offset}+{data.Length}");

    /// <summary>Compares a whole file, from the page cache and from the device.</summary>
    public void Holds(string path, byte[] expected)
    {
        long fd = Open(path, OpenFlags.ReadOnly);
        Compare(fd, expected, $"{path} cached");
        User.DropCache(fd);
        Compare(fd, expected, $"{path} from the device");
        Equal(0, User.Close(fd), "close");
        Equal(expected.Length, User.Stat(path).Stat!.Size, $"size of {path}");
    }

    public void Compare(long fd, byte[] expected, string what)
    {
        byte[] actual = new byte[(expected.Length / Page * Page) + (2 * Page)];
        long length = User.Pread(fd, actual, 0);
        Equal(expected.Length, length, $"length of {what}");
        int differs = expected.AsSpan().CommonPrefixLength(actual.AsSpan(0, expected.Length));
        if (differs < expected.Length)
        {
            throw new ConformanceException($"{what}: byte {differs} is {actual[differs]:x2}, not {expected[differs]:x2}");
        }
    }

    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new ConformanceException($"{what}: {actual}, not {expected}");
        }
    }

    /// <summary>For what a server may do after it has been told: FORGET and RELEASE are not waited for.</summary>
    public void Eventually<T>(T expected, Func<T> actual, string what)
    {
        for (int tries = 0; tries < MostTries && !EqualityComparer<T>.Default.Equals(expected, actual()); tries++)
        {
            Kernel.Settle();
            Thread.Sleep(1);
        }
        Equal(expected, actual(), what);
    }

    public static byte[] Bytes(int length, int seed)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    public void Dispose() => _kernel?.Dispose();
}
