using Fuse4fs.KernelTwin.Wire;
using Microsoft.Win32.SafeHandles;

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>An image file or a real block device.</summary>
public sealed class FileStorage : IBlockStorage, IDisposable
{
    private readonly SafeFileHandle _file;

    public FileStorage(string path, long? lengthBytes = null, int sectorBytes = 512)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        LengthBytes = lengthBytes ?? RandomAccess.GetLength(_file);
        SectorBytes = sectorBytes;
    }

    public long LengthBytes { get; }

    public int SectorBytes { get; }

    public bool WritesAtomically => false;

    public Errno Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset + target.Length > LengthBytes)
        {
            return Errno.EIO;
        }
        try
        {
            for (int done = 0; done < target.Length;)
            {
                int count = RandomAccess.Read(_file, target[done..], offset + done);
                if (count == 0)
                {
                    target[done..].Clear();
                    break;
                }
                done += count;
            }
            return Errno.Ok;
        }
        catch (IOException)
        {
            return Errno.EIO;
        }
    }

    public Errno Write(long offset, ReadOnlySpan<byte> source)
    {
        if (offset < 0 || offset + source.Length > LengthBytes)
        {
            return Errno.EIO;
        }
        try
        {
            RandomAccess.Write(_file, source, offset);
            return Errno.Ok;
        }
        catch (IOException)
        {
            return Errno.EIO;
        }
    }

    public Errno Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_file);
            return Errno.Ok;
        }
        catch (IOException)
        {
            return Errno.EIO;
        }
    }

    public void Dispose() => _file.Dispose();
}
