using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>Data that lives in the server's metadata: moved by READ and WRITE without a handle. Section 9, traces 11.
/// </summary>
internal sealed class InlineIo(TwinKernel kernel)
{
    private const int WriteOutBytes = 8;

    /// <summary>The mapping's bytes, what the server did not send being zero.</summary>
    /// <param name="wanted">How much the operation would take: a page, or the request.</param>
    public async Task<(Errno Error, byte[] Data)> Read(Caller caller, Inode inode, Mapping mapping, int wanted)
    {
        int size = kernel.Quirks.InlineReadsWholeMapping ? (int)mapping.Length : wanted;
        byte[] body = WireBytes.Of(new FileWire.TransferIn { Offset = (ulong)mapping.Offset, Size = (uint)size });
        Reply reply = await kernel.Connection.Call(caller, Opcode.Read, inode.NodeId, body,
            new ReplyForm(size, MayBeShorter: true), $"READ {mapping.Offset}+{size}");
        if (!reply.IsOk || reply.Body.Length == 0)
        {
            kernel.Rules.Report(RuleBook.InlineTransfer, $"{reply.Entry.Request}: {reply.Error}, {reply.Body.Length} bytes");
            return (Errno.EIO, []);
        }
        byte[] data = new byte[mapping.Length];
        reply.Body.AsSpan(0, Math.Min(data.Length, reply.Body.Length)).CopyTo(data);
        return (Errno.Ok, data);
    }

    public async Task<Errno> Write(Caller caller, Inode inode, long position, byte[] data)
    {
        int done = 0;
        while (done < data.Length)
        {
            int size = data.Length - done;
            byte[] body = WireBytes.Of(
                new FileWire.TransferIn { Offset = (ulong)(position + done), Size = (uint)size }, data[done..]);
            Reply reply = await kernel.Connection.Call(caller, Opcode.Write, inode.NodeId, body,
                new ReplyForm(WriteOutBytes), $"WRITE {position + done}+{size}");
            if (!reply.IsOk)
            {
                return reply.Error == Errno.ENOSYS ? Errno.EIO : reply.Error;
            }
            int written = (int)reply.As<FileWire.WriteOut>().Size;
            if (written <= 0 || written > size || (written < size && kernel.Quirks.InlineShortWriteFails))
            {
                kernel.Rules.Report(RuleBook.InlineTransfer, $"{reply.Entry.Request}: {written} bytes");
                return Errno.EIO;
            }
            done += written;
        }
        int block = kernel.Config.BlockSize;
        inode.Mappings?.Remove(position / block * block, (position + data.Length + block - 1) / block * block);
        inode.BlocksAreStale();
        return Errno.Ok;
    }
}
