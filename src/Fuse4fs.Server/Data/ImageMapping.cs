using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Data;

/// <summary>The whole image mapped into memory, read-only: a source of replies that are written without a copy of ours.
/// Managed code never looks into it, because a page that cannot be read (the image was cut short, the disk is broken)
/// is a fatal signal there, but only an error number for a system call.</summary>
internal sealed unsafe class ImageMapping : IDisposable
{
    /// <summary>Longest range looked at: what one READ asks for.</summary>
    private const int MaximumBytes = 1 << 20;

    private const int PageBytes = 4096;

    private readonly ImageFile _image;
    private readonly nuint _length;
    private byte* _start;

    private ImageMapping(ImageFile image, byte* start, nuint length)
    {
        _image = image;
        _start = start;
        _length = length;
    }

    /// <summary>Maps the image; null where that is not possible.</summary>
    public static ImageMapping? TryCreate(ImageFile image)
    {
        long length = image.OffsetBytes + image.LengthBytes;
        return LibC.TryMapForReading(image.Descriptor, length, out byte* start) == Errno.Ok
            ? new ImageMapping(image, start, (nuint)length)
            : null;
    }

    /// <summary>Where a range of the file system lies in memory.</summary>
    /// <returns>Null when it is not inside the image, or some of it would first have to be read from the disk: page by
    /// page, by faults, that is several times slower than one read.</returns>
    public void* FindResident(long offsetBytes, int lengthBytes)
    {
        nuint place = (nuint)(_image.OffsetBytes + offsetBytes);
        if (offsetBytes < 0 || place > _length || (nuint)lengthBytes > _length - place || lengthBytes > MaximumBytes)
        {
            return null;
        }
        nuint start = place & ~(nuint)(PageBytes - 1);
        int pages = (int)((place + (nuint)lengthBytes - start + PageBytes - 1) / PageBytes);
        byte* resident = stackalloc byte[(MaximumBytes / PageBytes) + 1];
        if (LibC.Resident(_start + start, (nuint)pages * PageBytes, resident) != 0)
        {
            return null;
        }
        for (int i = 0; i < pages; i++)
        {
            if ((resident[i] & 1) == 0)
            {
                return null;
            }
        }
        return _start + place;
    }

    public void Dispose()
    {
        if (_start is not null)
        {
            LibC.UnmapMemory(_start, (long)_length);
            _start = null;
        }
    }
}
