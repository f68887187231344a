using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Attributes and extended attributes.</summary>
internal sealed partial class RefServer
{
    private const uint GetFlags = 0x80086601;
    private const uint FsGetXattr = 0x801C581F;
    private const uint FsSetXattr = 0x401C5820;

    /// <summary>Moves a file's blocks elsewhere, as a defragmentation would.</summary>
    public const uint Relocate = 0x6600;
    private const ulong Valid = 3600;

    private (Errno, byte[]) Attributes(Opcode opcode, RefNode node, byte[] body)
    {
        switch (opcode)
        {
            case Opcode.Getattr:
                return (Errno.Ok, AttrOut(node));
            case Opcode.Setattr:
                return Setattr(node, WireBytes.Read<AttributeWire.SetattrIn>(body));
            case Opcode.Statx:
                return (Errno.Ok, StatxOut(node));
            case Opcode.Getxattr:
                return Getxattr(node, WireBytes.NameAt(body, 8, out _), WireBytes.Read<NameWire.XattrSize>(body).Size);
            case Opcode.Listxattr:
                return (Errno.Ok, [.. node.Xattrs.Keys.SelectMany(WireBytes.Name)]);
            case Opcode.Setxattr:
                string name = WireBytes.NameAt(body, 8, out int next);
                node.Xattrs[name] = body.AsSpan(next, (int)WireBytes.Read<uint>(body)).ToArray();
                return (Errno.Ok, []);
            case Opcode.Removexattr:
                return (node.Xattrs.Remove(WireBytes.NameAt(body, 0, out _)) ? Errno.Ok : Errno.ENODATA, []);
            default:
                return Ioctl(node, WireBytes.Read<FileWire.IoctlIn>(body));
        }
    }

    private (Errno, byte[]) Setattr(RefNode node, in AttributeWire.SetattrIn change)
    {
        var bits = (SetattrBits)change.Valid;
        if ((bits & SetattrBits.Mode) != 0 && Mischief != Mischief.ModeNotStored)
        {
            node.Mode = (node.Mode & 0xF000) | (change.Mode & 0xFFF);
        }
        node.Uid = (bits & SetattrBits.Uid) != 0 ? change.Uid : node.Uid;
        node.Gid = (bits & SetattrBits.Gid) != 0 ? change.Gid : node.Gid;
        node.Atime = (bits & SetattrBits.Atime) != 0 ? new Timestamp(change.Atime, change.AtimeNanoseconds) : node.Atime;
        node.Mtime = (bits & SetattrBits.Mtime) != 0 ? new Timestamp(change.Mtime, change.MtimeNanoseconds) : node.Mtime;
        node.Ctime = (bits & SetattrBits.Ctime) != 0 ? new Timestamp(change.Ctime, change.CtimeNanoseconds) : node.Ctime;
        if ((bits & SetattrBits.Size) != 0 && Mischief != Mischief.SetattrIgnoresSize)
        {
            Errno error = SetSize(node, (long)change.Size);
            if (error != Errno.Ok)
            {
                return (error, []);
            }
        }
        return (Errno.Ok, AttrOut(node));
    }

    private Errno SetSize(RefNode node, long size)
    {
        if (node.Inline is { } data && size > BlockSize)
        {
            Errno error = _extents.MoveOut(node);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        else if (node.Inline is not null)
        {
            byte[] resized = new byte[size];
            data = node.Inline;
            data.AsSpan(0, (int)Math.Min(size, data.Length)).CopyTo(resized);
            node.Inline = resized;
        }
        if (Mischief == Mischief.TruncateLosesTail && size % BlockSize != 0 && size < node.Size)
        {
            _extents.Remove(node, size / BlockSize, long.MaxValue);
        }
        if (Mischief != Mischief.TruncateKeepsBlocks)
        {
            _extents.Remove(node, (size + BlockSize - 1) / BlockSize, long.MaxValue);
        }
        node.Size = size;
        node.PendingSize = 0;
        return Errno.Ok;
    }

    private static (Errno, byte[]) Getxattr(RefNode node, string name, uint size)
    {
        if (!node.Xattrs.TryGetValue(name, out byte[]? value))
        {
            return (Errno.ENODATA, []);
        }
        return size == 0 ? (Errno.Ok, WireBytes.Of(new NameWire.XattrSize { Size = (uint)value.Length }))
            : size < value.Length ? (Errno.ERANGE, []) : (Errno.Ok, value);
    }

    private (Errno, byte[]) Ioctl(RefNode node, in FileWire.IoctlIn ioctl)
    {
        byte[] head = WireBytes.Of(new FileWire.IoctlOut());
        switch (ioctl.Command)
        {
            case GetFlags:
                return (Errno.Ok, [.. head, .. WireBytes.Of(node.InodeFlags)]);
            case FsGetXattr:
                return (Errno.Ok, [.. head, .. new byte[28]]);
            case FsSetXattr:
                return (Errno.Ok, head);
            case Relocate:
                Errno error = Move(node);
                return (error, error == Errno.Ok ? head : []);
            default:
                return (Errno.ENOTTY, []);
        }
    }

    /// <summary>Copies every written block elsewhere and frees the old one, after the kernel forgot where they were.
    /// </summary>
    private Errno Move(RefNode node)
    {
        foreach (long block in node.Blocks.Keys.ToArray())
        {
            RefBlock old = node.Blocks[block];
            if (old.IsReserved)
            {
                continue;
            }
            byte[] data = new byte[BlockSize];
            volume.ReadBlock(old.Device, data);
            (long start, int count) = volume.Allocate(volume.TotalBlocks / 2, 1);
            if (count == 0)
            {
                return Errno.ENOSPC;
            }
            volume.WriteBlock(start, data);
            node.Blocks[block] = old with { Device = start };
            volume.Free(old.Device);
        }
        if (Mischief != Mischief.RelocatedWithoutInval)
        {
            Invalidate(node, 0, ulong.MaxValue);
        }
        return Errno.Ok;
    }

    private byte[] AttrOut(RefNode node) =>
        WireBytes.Of(new AttributeWire.AttrOut { AttrValid = Valid, Attr = Attr(node) });

    private AttributeWire.Attr Attr(RefNode node)
    {
        AttributeFlags flags = node.IsRegular ? policy.FileFlags : AttributeFlags.Exclusive | AttributeFlags.Iomap;
        if (Mischief == Mischief.IomapWithoutExclusive && node.IsRegular)
        {
            flags = AttributeFlags.Iomap;
        }
        return new AttributeWire.Attr
        {
            Ino = node.Ino,
            Size = (ulong)node.Size,
            Blocks = (ulong)(node.Blocks.Values.Count(block => !block.IsReserved) * (BlockSize / 512)),
            Atime = node.Atime.Seconds,
            AtimeNanoseconds = node.Atime.Nanoseconds,
            Mtime = node.Mtime.Seconds,
            MtimeNanoseconds = node.Mtime.Nanoseconds,
            Ctime = node.Ctime.Seconds,
            CtimeNanoseconds = node.Ctime.Nanoseconds,
            Mode = node.Mode,
            Nlink = node.Links,
            Uid = node.Uid,
            Gid = node.Gid,
            Rdev = node.Rdev,
            BlockSize = (uint)BlockSize,
            Flags = (uint)flags,
        };
    }

    private byte[] StatxOut(RefNode node)
    {
        AttributeWire.Attr attr = Attr(node);
        var stat = new AttributeWire.Statx
        {
            Mask = 0x10FFF,
            BlockSize = attr.BlockSize,
            Ino = attr.Ino,
            Size = attr.Size,
            Blocks = attr.Blocks,
            Mode = (ushort)attr.Mode,
            Nlink = attr.Nlink,
            Uid = attr.Uid,
            Gid = attr.Gid,
            AtomicWriteUnitMin = (uint)BlockSize,
            AtomicWriteUnitMax = (uint)BlockSize,
            Btime = new AttributeWire.StatxTime { Seconds = 1 },
        };
        return WireBytes.Of(new AttributeWire.StatxOut { AttrValid = Valid, Stat = stat });
    }
}
