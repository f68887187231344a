using System.Numerics;
using System.Runtime.InteropServices;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>The ioctls on /dev/fuse. Section 2.3.</summary>
internal sealed class DeviceIoctls(TwinKernel kernel, FuseDevice device)
{
    private const int MostStrips = 256;
    private const uint TypeMask = 0xFF;
    private const uint TypeIomap = 1;
    private const ulong SupportFile = 1;
    private const ulong SupportAtomic = 2;

    public int Run(DeviceIoctl request, Span<byte> argument) => request switch
    {
        DeviceIoctl.Support => Support(argument),
        DeviceIoctl.AddIomap => -(int)AddIomap(),
        DeviceIoctl.SyncInit => -(int)SyncInit(),
        DeviceIoctl.SetNofs => -(int)SetNofs(argument),
        DeviceIoctl.BackingOpen => BackingOpen(WireBytes.Read<IoctlWire.BackingMap>(argument)),
        DeviceIoctl.BackingClose => -(int)BackingClose(WireBytes.Read<int>(argument)),
        DeviceIoctl.SetBlockSize => -(int)SetBlockSize(WireBytes.Read<IoctlWire.BackingInfo>(argument)),
        DeviceIoctl.StripeConfig when kernel.Revision.HasStripes => StripeConfig(argument),
        _ => -(int)Errno.ENOTTY,
    };

    private bool MayUseIomap => kernel.Options.IsIomapEnabled && device.HasRawIo;

    private int Support(Span<byte> argument)
    {
        bool usable = device.IsMounted ? kernel.Session.IsIomapOffered || MayUseIomap : device.IsBlessed || MayUseIomap;
        var answer = new IoctlWire.Support { Flags = usable ? SupportFile | SupportAtomic : 0 };
        MemoryMarshal.Write(argument, in answer);
        return 0;
    }

    private Errno AddIomap()
    {
        if (!MayUseIomap)
        {
            return Errno.EPERM;
        }
        if (device.IsMounted && !kernel.Quirks.AddIomapAfterMount)
        {
            return Errno.EINVAL;
        }
        device.IsBlessed = true;
        return Errno.Ok;
    }

    private Errno SyncInit()
    {
        if (device.IsMounted)
        {
            return Errno.EINVAL;
        }
        device.IsSyncInit = true;
        return Errno.Ok;
    }

    private Errno SetNofs(Span<byte> argument)
    {
        if (!device.IsMounted && !device.IsSyncInit)
        {
            return Errno.EPERM;
        }
        uint value = WireBytes.Read<uint>(argument);
        if (value > 1)
        {
            return Errno.EINVAL;
        }
        if (!kernel.Session.IsIomapOffered)
        {
            return Errno.EPERM;
        }
        int thread = Environment.CurrentManagedThreadId;
        _ = value == 1 ? kernel.ThreadsWithoutRecursion.Add(thread) : kernel.ThreadsWithoutRecursion.Remove(thread);
        return Errno.Ok;
    }

    private int BackingOpen(in IoctlWire.BackingMap map)
    {
        if (!kernel.Session.IsIomapAccepted)
        {
            return -(int)Errno.EPERM;
        }
        uint type = map.Flags & TypeMask;
        if (type > TypeIomap)
        {
            return -(int)Errno.EOPNOTSUPP;
        }
        if ((map.Flags & ~TypeMask) != 0 || map.Padding != 0)
        {
            return -(int)Errno.EINVAL;
        }
        if (type != TypeIomap)
        {
            return -(int)Errno.EPERM;
        }
        BackingDescriptor? descriptor = kernel.Descriptor(map.Descriptor);
        if (descriptor is null)
        {
            return -(int)Errno.EBADF;
        }
        return descriptor.Storage is null ? -(int)Errno.ENODEV : kernel.Backing.Add(descriptor);
    }

    private Errno BackingClose(int id)
    {
        if (!kernel.Session.IsIomapAccepted)
        {
            return Errno.EPERM;
        }
        if (id <= 0)
        {
            return Errno.EINVAL;
        }
        if (!kernel.Backing.Contains((uint)id))
        {
            return Errno.ENOENT;
        }
        if (kernel.Quirks.BackingCloseIsAlwaysBusy || kernel.Inodes.All.Any(inode => inode.IsIomap))
        {
            return Errno.EBUSY;
        }
        kernel.Backing.Remove((uint)id);
        return Errno.Ok;
    }

    private Errno SetBlockSize(in IoctlWire.BackingInfo info)
    {
        if (!kernel.Session.IsIomapAccepted)
        {
            return Errno.EOPNOTSUPP;
        }
        if (kernel.Backing.Device(info.BackingId) is not { } backing)
        {
            return Errno.ENOENT;
        }
        bool fits = BitOperations.IsPow2(info.BlockSize) && info.BlockSize <= 65536
            && info.BlockSize >= backing.Storage.SectorBytes;
        return fits && backing.Descriptor.IsExclusive ? Errno.Ok : Errno.EINVAL;
    }

    private int StripeConfig(Span<byte> argument)
    {
        if (!device.IsMounted)
        {
            return -(int)Errno.EPERM;
        }
        IoctlWire.Stripe head = WireBytes.Read<IoctlWire.Stripe>(argument);
        ReadOnlySpan<byte> reserved = head.Reserved;
        if (reserved.ContainsAnyExcept((byte)0) || head.Strips == 0 || head.StripWidth == 0)
        {
            return -(int)Errno.EINVAL;
        }
        if (head.Strips > MostStrips)
        {
            return -(int)Errno.ENOMEM;
        }
        int size = WireBytes.SizeOf<IoctlWire.Strip>();
        if (argument.Length < size * (head.Strips + 1))
        {
            return -(int)Errno.EFAULT;
        }
        var strips = new List<(BackingDevice, ulong)>();
        for (int index = 0; index < head.Strips; index++)
        {
            IoctlWire.Strip strip = WireBytes.Read<IoctlWire.Strip>(argument, size * (index + 1));
            if (strip.Reserved != 0)
            {
                return -(int)Errno.EINVAL;
            }
            if (kernel.Backing.Device(strip.Device) is not { } member)
            {
                return -(int)Errno.ENODEV;
            }
            strips.Add((member, strip.Address));
        }
        return kernel.Backing.AddStripes((long)head.StripWidth, strips);
    }
}
