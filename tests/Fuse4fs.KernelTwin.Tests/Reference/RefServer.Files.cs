using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Open files: inline data, space, copies, what is persisted when.</summary>
internal sealed partial class RefServer
{
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 0x10;
    private const uint Truncates = 0x200;
    private ulong _lastHandle;

    private (Errno, byte[]) Files(Opcode opcode, RefNode node, byte[] body)
    {
        switch (opcode)
        {
            case Opcode.Open:
                return Open(node, WireBytes.Read<FileWire.OpenIn>(body).Flags);
            case Opcode.Release:
                node.Opens--;
                Persist(node);
                DropIfGone(node);
                return (Errno.Ok, []);
            case Opcode.Flush or Opcode.Fsync:
                Persist(node);
                return (Errno.Ok, []);
            case Opcode.Read:
                return Read(node, WireBytes.Read<FileWire.TransferIn>(body));
            case Opcode.Write:
                return Write(node, WireBytes.Read<FileWire.TransferIn>(body), body);
            case Opcode.Fallocate:
                return (Fallocate(node, WireBytes.Read<FileWire.FallocateIn>(body)), []);
            default:
                return Copy(opcode, node, WireBytes.Read<FileWire.CopyIn>(body));
        }
    }

    private (Errno, byte[]) Open(RefNode node, uint flags)
    {
        if ((flags & Truncates) != 0 && Mischief != Mischief.OpenKeepsDataDespiteTruncate)
        {
            SetSize(node, 0);
        }
        node.Opens++;
        return (Errno.Ok, OpenOut());
    }

    private byte[] OpenOut() => WireBytes.Of(new FileWire.OpenOut
    {
        Handle = ++_lastHandle,
        OpenFlags = (uint)(policy.OpenReply | (Mischief == Mischief.OpenAsStream ? OpenReplyFlags.Stream : 0)),
    });

    private (Errno, byte[]) Read(RefNode node, in FileWire.TransferIn read)
    {
        byte[] data = new byte[read.Size];
        if (node.Inline is { } inline)
        {
            if (Mischief == Mischief.InlineReadEmpty)
            {
                return (Errno.Ok, []);
            }
            int length = (int)Math.Clamp(inline.Length - (long)read.Offset, 0, data.Length);
            inline.AsSpan((int)read.Offset, length).CopyTo(data);
            return (Errno.Ok, data[..Math.Min(data.Length, BlockSize)]);
        }
        return (Errno.EIO, []);
    }

    private (Errno, byte[]) Write(RefNode node, in FileWire.TransferIn write, byte[] body)
    {
        if (node.Inline is null || (long)(write.Offset + write.Size) > BlockSize)
        {
            return (Errno.EIO, []);
        }
        byte[] data = new byte[Math.Max(node.Inline.Length, (int)(write.Offset + write.Size))];
        node.Inline.CopyTo(data, 0);
        body.AsSpan(WireBytes.SizeOf<FileWire.TransferIn>()).CopyTo(data.AsSpan((int)write.Offset));
        node.Inline = data;
        node.Size = Math.Max(node.Size, data.Length);
        return (Errno.Ok, WireBytes.Of(new FileWire.WriteOut { Size = write.Size }));
    }

    private Errno Fallocate(RefNode node, in FileWire.FallocateIn request)
    {
        long offset = (long)request.Offset;
        long end = offset + (long)request.Length;
        int mode = (int)request.Mode;
        long inner = (offset + BlockSize - 1) / BlockSize;
        long innerEnd = end / BlockSize;
        Errno error = _extents.MoveOut(node);
        if (error != Errno.Ok)
        {
            return error;
        }
        if ((mode & PunchHole) != 0)
        {
            if (Mischief == Mischief.PunchFreesEdges)
            {
                (inner, innerEnd) = (offset / BlockSize, (end + BlockSize - 1) / BlockSize);
            }
            if (Mischief != Mischief.PunchKeepsInner)
            {
                _extents.Remove(node, inner, innerEnd);
            }
            return Errno.Ok;
        }
        if ((mode & ZeroRange) != 0 && inner < innerEnd)
        {
            _extents.MarkUnwritten(node, inner * BlockSize, innerEnd * BlockSize);
        }
        for (long block = offset / BlockSize; block * BlockSize < end; block++)
        {
            if (!node.Blocks.ContainsKey(block))
            {
                error = _extents.Allocate(node, block, 1, isWritten: false);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
        }
        if ((mode & KeepSize) == 0 && Mischief != Mischief.FallocateForgetsSize)
        {
            node.Size = Math.Max(node.Size, end);
        }
        return Errno.Ok;
    }

    private (Errno, byte[]) Copy(Opcode opcode, RefNode source, in FileWire.CopyIn copy)
    {
        RefNode target = Node(copy.NodeIdOut);
        long from = (long)copy.OffsetIn;
        long to = (long)copy.OffsetOut;
        long length = Math.Max(0, Math.Min((long)copy.Length, Math.Max(source.Size, source.PendingSize) - from));
        Errno error = _extents.MoveOut(target);
        for (long done = 0; done < length && error == Errno.Ok;)
        {
            long at = to + done;
            int inBlock = (int)(at % BlockSize);
            int count = (int)Math.Min(BlockSize - inBlock, length - done);
            byte[] data = Bytes(source, from + done, count);
            error = Put(target, at / BlockSize, inBlock, data);
            done += count;
        }
        if (error != Errno.Ok)
        {
            return (error, []);
        }
        if (Mischief != Mischief.CopyForgetsSize)
        {
            target.Size = Math.Max(target.Size, to + length);
        }
        return (Errno.Ok, opcode == Opcode.CopyFileRange64 ? WireBytes.Of((ulong)length)
            : WireBytes.Of(new FileWire.WriteOut { Size = (uint)length }));
    }

    /// <summary>Bytes of a file as its blocks have them.</summary>
    private byte[] Bytes(RefNode node, long from, int count)
    {
        byte[] result = new byte[count];
        if (node.Inline is { } inline)
        {
            inline.AsSpan((int)from, (int)Math.Clamp(inline.Length - from, 0, count)).CopyTo(result);
            return result;
        }
        byte[] block = new byte[BlockSize];
        for (int done = 0; done < count;)
        {
            long at = from + done;
            int inBlock = (int)(at % BlockSize);
            int length = Math.Min(BlockSize - inBlock, count - done);
            if (node.Blocks.TryGetValue(at / BlockSize, out RefBlock here) && here.IsWritten)
            {
                volume.ReadBlock(here.Device, block);
                block.AsSpan(inBlock, length).CopyTo(result.AsSpan(done));
            }
            done += length;
        }
        return result;
    }

    private Errno Put(RefNode node, long block, int inBlock, byte[] data)
    {
        byte[] whole = new byte[BlockSize];
        if (node.Blocks.TryGetValue(block, out RefBlock here) && here.IsWritten)
        {
            volume.ReadBlock(here.Device, whole);
        }
        if (!node.Blocks.ContainsKey(block))
        {
            Errno error = _extents.Allocate(node, block, 1, isWritten: true);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        _extents.Convert(node, block * BlockSize, (block + 1) * BlockSize);
        data.CopyTo(whole, inBlock);
        node.Blocks[block] = node.Blocks[block] with { IsWritten = true };
        return volume.WriteBlock(node.Blocks[block].Device, whole);
    }
}
