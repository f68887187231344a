using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <content>Files are replaced, removed and made anew, looked at without being read, and kept while the volume is frozen.
/// </content>
public sealed partial class RandomOperations
{
    private const string Attribute = "user.model";

    /// <summary>Another file takes the name, as editors save; who has the old one open still has it.</summary>
    private void Replace(int index, byte[] data)
    {
        const string Other = "/replacement";
        long fd = bench.Create(Other);
        var model = new ModelFile();
        long count = bench.User.Pwrite(fd, data, 0);
        if (count < data.Length && IsFull(count))
        {
            Bench.Equal(0, bench.User.Close(fd), "close");
            Bench.Equal(0, bench.User.Unlink(Other), "unlink");
            return;
        }
        Bench.Equal(data.Length, count, "write of a replacement");
        model.Write(0, data);
        if (_random.Next(2) == 0)
        {
            Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        }
        Bench.Equal(0, bench.User.Close(fd), "close");
        Bench.Equal(0, bench.User.Rename(Other, NameOf(index)), "rename");
        bench.Compare(_fds[index], _models[index].Content, $"file {index}, replaced");
        Close(index);
        _models[index] = model;
        Open(index);
    }

    private void Recreate(int index)
    {
        Bench.Equal(0, bench.User.Unlink(NameOf(index)), "unlink");
        bench.Compare(_fds[index], _models[index].Content, $"file {index}, unlinked");
        Close(index);
        _models[index] = new ModelFile();
        Open(index);
    }

    /// <summary>What SEEK_DATA passes over is zero, and SEEK_HOLE ends where there is nothing but zeros.</summary>
    private void Seek(int index, ModelFile model)
    {
        if (model.Size == 0)
        {
            return;
        }
        int from = _random.Next(model.Size);
        long data = bench.User.SeekData(_fds[index], from);
        int end = data == -(long)Errno.ENXIO ? model.Size : (int)data;
        Bench.Equal(true, end >= from && end <= model.Size, $"SEEK_DATA from {from}: {data}");
        Bench.Equal(-1, model.Content.AsSpan(from, end - from).IndexOfAnyExcept((byte)0), $"data before {data}, from {from}");
        long hole = bench.User.SeekHole(_fds[index], from);
        Bench.Equal(true, hole >= from && hole <= model.Size, $"SEEK_HOLE from {from}: {hole}");
        int next = hole == model.Size ? -1 : (int)bench.User.SeekData(_fds[index], hole);
        int holeEnd = next < 0 ? model.Size : next;
        Bench.Equal(-1, model.Content.AsSpan((int)hole, holeEnd - (int)hole).IndexOfAnyExcept((byte)0), $"data in the hole at {hole}");
    }

    /// <summary>Extents ascend, do not overlap, and there is nothing but zeros outside of them.</summary>
    private void ExamineExtents(int index, ModelFile model)
    {
        (IReadOnlyList<Mapping> extents, long error) = bench.User.Fiemap(_fds[index], 0, long.MaxValue, syncs: true);
        if (error == -(long)Errno.ENOSPC && MayBeFull)
        {
            return;
        }
        Bench.Equal(0, error, "fiemap");
        long place = 0;
        foreach (Mapping extent in extents)
        {
            // A whole extent may be told where a part of it was asked for.
            Bench.Equal(true, extent.End > place, $"{extent} behind {place}");
            ExpectZeros(index, model, place, Math.Max(place, extent.Offset));
            if (extent.IsUnwritten)
            {
                ExpectZeros(index, model, extent.Offset, extent.End);
            }
            place = extent.End;
        }
        ExpectZeros(index, model, place, model.Size);
    }

    private static void ExpectZeros(int index, ModelFile model, long from, long to)
    {
        int start = (int)Math.Min(from, model.Size);
        int end = (int)Math.Min(to, model.Size);
        int found = model.Content.AsSpan(start, end - start).IndexOfAnyExcept((byte)0);
        Bench.Equal(-1, found, $"file {index}: data between {from} and {to}, which FIEMAP does not show");
    }

    private void FreezeOrSync()
    {
        if (_random.Next(2) == 0)
        {
            Bench.Equal(0, bench.User.Syncfs(), "syncfs");
            return;
        }
        Bench.Equal(0, bench.User.Freeze(), "freeze");
        Bench.Equal(0, bench.User.Thaw(), "thaw");
    }

    private void ChangeAttributes(int index)
    {
        string name = NameOf(index);
        byte[] value = new byte[1 + _random.Next(60)];
        _random.NextBytes(value);
        uint mode = 0x180u | (uint)_random.Next(0x40);
        var time = new Timestamp((ulong)(1_000_000_000 + _random.Next(1_000_000_000)), 0);
        Bench.Equal(0, bench.User.Chmod(name, mode), "chmod");
        Bench.Equal(0, bench.User.Utimens(name, (time, time)), "utimensat");
        long set = bench.User.Setxattr(name, Attribute, value);
        if (set is -(long)Errno.ENOSYS or -(long)Errno.EOPNOTSUPP || (set < 0 && IsFull(set)))
        {
            return;
        }
        Bench.Equal(0, set, "setxattr");
        if (_random.Next(2) == 0)
        {
            bench.Kernel.DropCaches(inodes: true);
        }
        Bench.Equal(mode, bench.User.Stat(name).Stat!.Mode & 0xFFF, "mode");
        Bench.Equal(time, bench.User.Stat(name).Stat!.Mtime, "mtime");
        (long error, byte[] found) = bench.User.Getxattr(name, Attribute);
        Bench.Equal(0, error, "getxattr");
        Bench.Equal(true, found.AsSpan().SequenceEqual(value), "value");
    }
}
