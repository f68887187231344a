using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>As fsx: random calls on a few files, each compared with a model at once; everything compared again after a
/// new mount. The seed is all that is needed to repeat it.</summary>
/// <remarks>Files: RandomOperations (data), .Lives (files come, go and are looked at), .Space (what a full volume does).
/// </remarks>
public sealed partial class RandomOperations(Bench bench, int seed, int operations)
{
    private const int LargestFile = 300_000;
    private const int Files = 3;
    private const int Kinds = 20;
    private readonly Random _random = new(seed);
    private readonly ModelFile[] _models = [new(), new(), new()];
    private readonly long[] _fds = new long[Files];
    private readonly long[] _direct = new long[Files];
    private readonly TwinMap?[] _maps = new TwinMap?[Files];

    /// <summary>Files cannot be given unwritten blocks (block maps of ext2 and ext3): such calls may be refused.</summary>
    public bool MayRefuseAllocation { get; init; }

    /// <summary>The volume is small: what changes data may stop for want of space.</summary>
    public bool MayBeFull { get; init; }

    /// <summary>How many calls stopped for want of space.</summary>
    public int Refused { get; private set; }

    public void Run()
    {
        try
        {
            OpenAll();
            for (int step = 0; step < operations; step++)
            {
                Step(_random.Next(Files), _random.Next(Kinds));
            }
            CloseAll();
            bench.Remount();
            for (int index = 0; index < Files; index++)
            {
                bench.Holds(NameOf(index), _models[index].Content);
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
            Open(index);
        }
    }

    private void Open(int index)
    {
        _fds[index] = bench.Create(NameOf(index));
        _direct[index] = bench.Open(NameOf(index), OpenFlags.ReadWrite | OpenFlags.Direct);
        _maps[index] = bench.User.Mmap(_fds[index], isWritable: true);
    }

    private void CloseAll()
    {
        for (int index = 0; index < Files; index++)
        {
            Close(index);
        }
    }

    private void Close(int index)
    {
        Bench.Equal(0, bench.User.Munmap(_maps[index]!), "munmap");
        Bench.Equal(0, bench.User.Close(_fds[index]), "close");
        Bench.Equal(0, bench.User.Close(_direct[index]), "close");
    }

    private static string NameOf(int index) => $"/fsx{index}";

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
                Write(index, model, offset, data);
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
                Store(index, model, offset, data);
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
            case 13:
                Replace(index, data);
                break;
            case 14:
                Recreate(index);
                break;
            case 15:
                Seek(index, model);
                break;
            case 16:
                ExamineExtents(index, model);
                break;
            case 17:
                FreezeOrSync();
                break;
            case 18:
                ChangeAttributes(index);
                break;
            default:
                bench.Compare(_fds[index], model.Content, $"file {index}");
                break;
        }
    }

    private void Write(int index, ModelFile model, long offset, byte[] data)
    {
        long count = bench.User.Pwrite(_fds[index], data, offset);
        if (count < data.Length && IsFull(count))
        {
            Adopt(index, model, offset, data);
            return;
        }
        Bench.Equal(data.Length, count, $"write {offset}+{data.Length}");
        model.Write(offset, data);
    }

    private void Direct(int index, ModelFile model, long offset, byte[] data)
    {
        const int Sector = 512;
        offset = offset / Sector * Sector;
        byte[] whole = data.AsSpan(0, data.Length / Sector * Sector).ToArray();
        if (whole.Length == 0)
        {
            return;
        }
        long count = bench.User.Pwrite(_direct[index], whole, offset);
        if (count < whole.Length && IsFull(count))
        {
            Adopt(index, model, offset, whole);
            return;
        }
        Bench.Equal(whole.Length, count, $"direct write {offset}+{whole.Length}");
        model.Write(offset, whole);
    }

    private void Store(int index, ModelFile model, long offset, byte[] data)
    {
        if (!bench.User.Store(_maps[index]!, offset, data) && MayBeFull)
        {
            Refused++;
            Adopt(index, model, offset, data);
            return;
        }
        bench.Compare(_fds[index], With(model, offset, data), "what was stored");
        model.Write(offset, data);
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
        if (result < 0 && IsFull(result))
        {
            // Some blocks may have been given, or taken away: of data that means nothing, or zeros.
            Adopt(index, model, offset, new byte[Math.Max(0, Math.Min(length, model.Size - offset))]);
            return;
        }
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
        if (copied < count && IsFull(copied))
        {
            Adopt(index, model, offset, source.Content.AsSpan((int)start, count));
            return;
        }
        Bench.Equal(count, copied, "copy_file_range");
        model.Write(offset, source.Content.AsSpan((int)start, count));
    }
}
