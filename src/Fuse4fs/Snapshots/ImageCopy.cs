using System.Diagnostics;
using Fuse4fs.Linux;

namespace Fuse4fs.Snapshots;

/// <summary>Copies an image into an empty file: by sharing its blocks where the host can (FICLONE), else piece by piece,
/// leaving out what is no data.</summary>
/// <param name="image">A file or block device.</param>
/// <param name="copy">Empty, open for writing.</param>
/// <param name="goesOn">Called now and then: false ends it.</param>
internal sealed unsafe class ImageCopy(FileDescriptor image, FileDescriptor copy, Func<bool> goesOn)
{
    /// <summary>Copied by one system call: little enough to notice in between that time passes.</summary>
    private const long PieceBytes = 16 << 20;

    private const int BufferBytes = 1 << 20;
    private const int GrainBytes = 4096;
    private static readonly TimeSpan s_askEvery = TimeSpan.FromSeconds(1);

    private long _asked = Stopwatch.GetTimestamp();
    private bool _isByHand;

    /// <returns>Canceled when it was not to go on; the error of a read or write; or Ok. The copy is not durable yet.</returns>
    public Errno Run() => LibC.TryClone(image, copy) == Errno.Ok ? Errno.Ok : CopyData();

    private Errno CopyData()
    {
        long length = LibC.LSeek(image, 0, LibC.SeekEnd);
        if (length < 0 || LibC.FTruncate(copy, length) != 0)
        {
            return LibC.LastError;
        }
        for (long at = 0; at < length;)
        {
            long data = LibC.LSeek(image, at, LibC.SeekData);
            if (data < 0)
            {
                // Nothing but a hole from here on; or a device, whose holes nobody knows.
                return LibC.LastError switch
                {
                    Errno.NoDeviceAddress => Errno.Ok,
                    Errno.Invalid => CopyRange(at, length),
                    Errno error => error,
                };
            }
            long hole = LibC.LSeek(image, data, LibC.SeekHole);
            long end = hole < 0 ? length : Math.Min(hole, length);
            Errno copied = CopyRange(data, end);
            if (copied != Errno.Ok)
            {
                return copied;
            }
            at = end;
        }
        return Errno.Ok;
    }

    private Errno CopyRange(long at, long end)
    {
        byte[]? buffer = null;
        while (at < end)
        {
            if (!MayGoOn())
            {
                return Errno.Canceled;
            }
            Errno error = _isByHand
                ? CopyByHand(buffer ??= new byte[BufferBytes], ref at, end)
                : CopyInKernel(ref at, end);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        return Errno.Ok;
    }

    private Errno CopyInKernel(ref long at, long end)
    {
        long from = at;
        long to = at;
        nint count = LibC.CopyFileRange(image, &from, copy, &to, (nuint)Math.Min(end - at, PieceBytes), 0);
        if (count > 0)
        {
            at += count;
            return Errno.Ok;
        }
        Errno error = count == 0 ? Errno.Invalid : LibC.LastError;
        // Not from devices, and between some file systems not at all.
        _isByHand = error is Errno.CrossDevice or Errno.Invalid or Errno.NotSupported or Errno.NotImplemented;
        return _isByHand || error == Errno.Interrupted ? Errno.Ok : error;
    }

    private Errno CopyByHand(byte[] buffer, ref long at, long end)
    {
        fixed (byte* start = buffer)
        {
            nint count = LibC.PRead(image, start, (nuint)Math.Min(end - at, buffer.Length), at);
            if (count <= 0)
            {
                return count == 0 ? Errno.InputOutput : LibC.LastError is Errno error and not Errno.Interrupted ? error : Errno.Ok;
            }
            for (int grain = 0; grain < count;)
            {
                // Runs of grains that are alike: what is all zeros stays a hole.
                bool isZero = IsZero(buffer, grain, (int)count);
                int next = grain;
                while (next < count && IsZero(buffer, next, (int)count) == isZero)
                {
                    next = Math.Min(next + GrainBytes, (int)count);
                }
                Errno written = isZero ? Errno.Ok : Write(start + grain, next - grain, at + grain);
                if (written != Errno.Ok)
                {
                    return written;
                }
                grain = next;
            }
            at += count;
            return Errno.Ok;
        }
    }

    private static bool IsZero(byte[] buffer, int from, int count) =>
        !buffer.AsSpan(from, Math.Min(GrainBytes, count - from)).ContainsAnyExcept((byte)0);

    private Errno Write(byte* bytes, int length, long at)
    {
        for (int done = 0; done < length;)
        {
            nint count = LibC.PWrite(copy, bytes + done, (nuint)(length - done), at + done);
            Errno error = count < 0 ? LibC.LastError : Errno.Ok;
            if (error is not (Errno.Ok or Errno.Interrupted))
            {
                return error;
            }
            done += (int)Math.Max(count, 0);
        }
        return Errno.Ok;
    }

    private bool MayGoOn()
    {
        if (Stopwatch.GetElapsedTime(_asked) < s_askEvery)
        {
            return true;
        }
        _asked = Stopwatch.GetTimestamp();
        return goesOn();
    }
}
