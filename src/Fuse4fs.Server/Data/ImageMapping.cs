using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Data;

/// <summary>The whole image mapped into memory, read-only: a source of replies that are written without a copy of ours.
/// Managed code never looks into it, because a page that cannot be read (the image was cut short, the disk is broken)
/// is a fatal signal there, but only an error number for a system call.</summary>
internal sealed unsafe class ImageMapping : IDisposable
{
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

    /// <summary>Where a range of the file system lies; null when it does not lie inside the image.</summary>
    public void* Find(long offsetBytes, int lengthBytes)
    {
        nuint place = (nuint)(_image.OffsetBytes + offsetBytes);
        return offsetBytes < 0 || place > _length || (nuint)lengthBytes > _length - place ? null : _start + place;
    }

    /// <summary>Starts reading a range, so that the faults that follow find it there or under way.</summary>
    public void Prefetch(long offsetBytes, int lengthBytes) =>
        _ = LibC.ReadAhead(_image.Descriptor, _image.OffsetBytes + offsetBytes, (nuint)lengthBytes);

    public void Dispose()
    {
        if (_start is not null)
        {
            LibC.UnmapMemory(_start, (long)_length);
            _start = null;
        }
    }
}
