using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>COPY_FILE_RANGE in both of its forms. Copies a bounded piece per request; the kernel asks for the rest.
/// </summary>
internal static class CopyFileRangeHandler
{
    /// <summary>So that one request does not hold a worker for long.</summary>
    private const long MostBytes = 16 << 20;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (server.Iomap is not null)
        {
            // The kernel has the pages and moves the data: it copies better than we could, and knows what it has cached.
            return Errno.NotImplemented;
        }
        if (!body.TryTake(out CopyFileRangeIn request) || request.Flags != 0 || request.OffsetIn > long.MaxValue
            || request.OffsetOut > long.MaxValue)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber source)
            || !NodeIds.TryInode(server, request.NodeIdOut, out InodeNumber target))
        {
            return Errno.Stale;
        }
        WriteOptions options = SetIdBits.ChangedBy(server, in header, target,
            server.Opens.TryFind(request.HandleOut, out OpenFile file) && file.MayUseReserve);
        Errno error = server.Volume.CopyRange(source, (long)request.OffsetIn, target, (long)request.OffsetOut,
            (long)Math.Min(request.Length, MostBytes), in options, out long copied);
        if (options.KillsPrivileges)
        {
            server.ForgetAttributes(request.NodeIdOut);
        }
        if (error != Errno.Ok)
        {
            return error;
        }
        if (header.Opcode == Opcode.CopyFileRange64)
        {
            reply.Append<CopyFileRangeOut>().BytesCopied = (ulong)copied;
        }
        else
        {
            reply.Append<WriteOut>().Size = (uint)copied;
        }
        return Errno.Ok;
    }
}
