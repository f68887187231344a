using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

public sealed unsafe partial class DirectDevice
{
    /// <summary>Opens a device, exclusively: neither a mount nor another exclusive open is possible meanwhile.</summary>
    /// <returns>The error of open(2); NotBlockDevice; ReadOnly for a write-protected device that is to be written;
    /// Invalid for an offset beyond the end or inside a sector; or Ok.</returns>
    public static Errno Open(string path, bool isReadOnly, long offsetBytes, out DirectDevice? device)
    {
        device = null;
        FileDescriptor descriptor = LibC.Open(path, OpenFlags.CloseOnExec | OpenFlags.NonBlocking | OpenFlags.Direct
            | OpenFlags.Exclusive | (isReadOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite), 0);
        if (descriptor.IsInvalid)
        {
            Errno error = LibC.LastError;
            descriptor.Dispose();
            return error;
        }
        Errno outcome = Measure(descriptor, isReadOnly, offsetBytes, out long length, out int sector);
        if (outcome != Errno.Ok)
        {
            descriptor.Dispose();
            return outcome;
        }
        device = new DirectDevice(path, descriptor, offsetBytes, length, sector, isReadOnly);
        return Errno.Ok;
    }

    private static Errno Measure(
        FileDescriptor descriptor, bool isReadOnly, long offsetBytes, out long length, out int sector)
    {
        ulong bytes;
        int size = 0;
        int isProtected = 0;
        length = 0;
        sector = 0;
        if (LibC.IoControl(descriptor, BlockDeviceRequest.GetSize64, &bytes) != 0
            || LibC.IoControl(descriptor, BlockDeviceRequest.GetSectorSize, &size) != 0)
        {
            return Errno.NotBlockDevice;
        }
        if (size is < 512 or > 65536 || (size & (size - 1)) != 0 || bytes > long.MaxValue)
        {
            return Errno.Invalid;
        }
        sector = size;
        length = (long)bytes - offsetBytes;
        if (offsetBytes < 0 || length < 0 || offsetBytes % sector != 0)
        {
            return Errno.Invalid;
        }
        return !isReadOnly && LibC.IoControl(descriptor, BlockDeviceRequest.GetReadOnly, &isProtected) == 0
            && isProtected != 0 ? Errno.ReadOnly : Errno.Ok;
    }
}
