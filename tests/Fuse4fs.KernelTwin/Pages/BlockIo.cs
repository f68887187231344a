using Fuse4fs.KernelTwin.Mounting;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>Moves bytes between pages and the devices that mappings name.</summary>
internal sealed class BlockIo(TwinKernel kernel)
{
    private const ulong SectorMask = 511;

    /// <summary>Reads a part of a mapping; what has no blocks reads as zero.</summary>
    public Errno Read(in Mapping mapping, long position, Span<byte> target)
    {
        if (!mapping.IsWritten || (mapping.Flags & MappingFlags.New) != 0)
        {
            target.Clear();
            return Errno.Ok;
        }
        int done = 0;
        while (done < target.Length)
        {
            (BackingDevice? device, ulong address, long rest) = Resolve(mapping, position + done);
            int length = (int)Math.Min(rest, target.Length - done);
            Errno error = device?.Storage.Read((long)address, target.Slice(done, length)) ?? Errno.EIO;
            if (error != Errno.Ok)
            {
                return error;
            }
            done += length;
        }
        return Errno.Ok;
    }

    public Errno Write(in Mapping mapping, long position, ReadOnlySpan<byte> source)
    {
        int done = 0;
        while (done < source.Length)
        {
            (BackingDevice? device, ulong address, long rest) = Resolve(mapping, position + done);
            int length = (int)Math.Min(rest, source.Length - done);
            Errno error = device?.Storage.Write((long)address, source.Slice(done, length)) ?? Errno.EIO;
            if (error != Errno.Ok)
            {
                return error;
            }
            done += length;
        }
        return Errno.Ok;
    }

    /// <summary>Device and address of a position. The block layer counts sectors: a rest below one is cut off.</summary>
    public (BackingDevice? Device, ulong Address, long Left) Resolve(in Mapping mapping, long position)
    {
        ulong address = mapping.AddressOf(position);
        if (mapping.IsStripe)
        {
            return kernel.Backing.Stripes(mapping.Device) is { } set ? set.Resolve(address) : (null, 0, 1);
        }
        ulong aligned = ((address - (ulong)(position - mapping.Offset)) & ~SectorMask) + (ulong)(position - mapping.Offset);
        return (kernel.Backing.Device(mapping.Device), aligned, long.MaxValue);
    }
}
