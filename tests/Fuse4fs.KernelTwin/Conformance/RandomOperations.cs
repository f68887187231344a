using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>As fsx: random calls on a few files, each compared with a model at once; everything compared again after a
/// new mount. The seed is all that is needed to repeat it.</summary>
public sealed class RandomOperations(Bench bench, int seed, int operations)
{
    private const int LargestFile = 300_000;
    private const int Files = 3;
    private readonly Random _random = new(seed);
    private readonly ModelFile[] _models = [new(), new(), new()];
    private readonly long[] _fds = new long[Files];
    private readonly long[] _direct = new long[Files];
    private readonly TwinMap?[] _maps = new TwinMap?[Files];

    /// <summary>Files cannot be given unwritten blocks (block maps of ext2 and ext3): such calls may be refused.</summary>
    public bool MayRefuseAllocation { get; init; }

    public void Run()
    {
        try
        {
            OpenAll();
            for (int step = 0; step < operations; step++)
            {
                Step(_random.Next(Files), _random.Next(14));
            }
            CloseAll();
            bench.Remount();
            for (int index = 0; index < Files; index++)
            {
                bench.Holds($"/fsx{index}", _models[index].Content);
            }
        }
        catch (ConformanceException failure)
        {
            throw new ConformanceException($"seed {seed}: {failure.Message}");
        }
    }

    private void OpenAll()
    {
        for (int index = 0; index < Files; index++)
        {
            _fds[index] = bench.Create($"/fsx{index}");
            _direct[index] = bench.Open($"/fsx{index}", OpenFlags.ReadWrite | OpenFlags.Direct);
            _maps[index] = bench.User.Mmap(_fds[index], isWritable: true);
        }
    }

    private void CloseAll()
    {
        for (int index = 0; index < Files; index++)
        {
            Bench.Equal(0, bench.User.Munmap(_maps[index]!), "munmap");
            Bench.Equal(0, bench.User.Close(_fds[index]), "close");
            Bench.Equal(0, bench.User.Close(_direct[index]), "close");
        }
    }

    private void Step(int index, int what)
    {
        ModelFile model = _models[index];
        long offset = _random.Next(LargestFile - 40_000);
        int length = 1 + _random.Next(30_000);
        byte[] data = new byte[length];
        _random.NextBytes(data);
        switch (what)
        {
            case 0 or 1 or 2:
                bench.Write(_fds[index], data, offset);
                model.Write(offset, data);
                break;
            case 3:
                Direct(index, model, offset, data);
                break;
            case 4:
                Bench.Equal(0, bench.User.Ftruncate(_fds[index], offset), "ftruncate");
                model.Resize(offset);
                break;
            case 5 or 6:
                Space(index, model, offset, length);
                break;
            case 7 when offset + length <= model.Size:
                Bench.Equal(true, bench.User.Store(_maps[index]!, offset, data), "store");
                model.Write(offset, data);
                break;
            case 8:
                Bench.Equal(0, bench.User.Fsync(_fds[index]), "fsync");
                break;
            case 9:
                bench.Kernel.DropCaches(inodes: _random.Next(2) == 0);
                break;
            case 10:
                Copy(index, model, offset, length);
                break;
            case 11:
                bench.Kernel.FlushInBackground(waits: _random.Next(2) == 0);
                break;
            case 12:
                Bench.Equal(model.Size, bench.User.Fstat(_fds[index]).Stat!.Size, "size");
                break;
            default:
                bench.Compare(_fds[index], model.Content, $"file {index}");
                break;
        }
    }

    private void Direct(int index, ModelFile model, long offset, byte[] data)
    {
        const int Sector = 512;
        offset = offset / Sector * Sector;
        byte[] whole = data.AsSpan(0, data.Length / Sector * Sector).ToArray();
        if (whole.Length > 0)
        {
            bench.Write(_direct[index], whole, offset);
            model.Write(offset, whole);
        }
    }

    private void Space(int index, ModelFile model, long offset, int length)
    {
        int mode = _random.Next(4) switch
        {
            0 => 0,
            1 => Fallocation.KeepSize,
            2 => Fallocation.KeepSize | Fallocation.PunchHole,
            _ => Fallocation.ZeroRange,
        };
        long result = bench.User.Fallocate(_fds[index], mode, offset, length);
        if (MayRefuseAllocation && result == -(long)Wire.Errno.EOPNOTSUPP && (mode & Fallocation.PunchHole) == 0)
        {
            return;
        }
        Bench.Equal(0, result, $"fallocate {mode}");
        if ((mode & (Fallocation.PunchHole | Fallocation.ZeroRange)) != 0)
        {
            model.Zero(offset, length, grows: mode == Fallocation.ZeroRange);
        }
        else if (mode == 0 && offset + length > model.Size)
        {
            model.Resize(offset + length);
        }
    }

    private void Copy(int index, ModelFile model, long offset, int length)
    {
        int from = (index + 1) % Files;
        ModelFile source = _models[from];
        long start = source.Size == 0 ? 0 : _random.Next(source.Size);
        int count = (int)Math.Min(length, source.Size - start);
        if (count <= 0)
        {
            return;
        }
        long copied = bench.User.CopyFileRange(_fds[from], start, _fds[index], offset, count);
        Bench.Equal(count, copied, "copy_file_range");
        model.Write(offset, source.Content.AsSpan((int)start, count));
    }
}
