using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Names;

/// <summary>readdir: READDIRPLUS first, READDIR for the rest. Traces 3.</summary>
internal sealed class Listing(TwinKernel kernel)
{
    private const int Size = 32768;
    private const int OpenOutBytes = 16;

    public async Task<(Errno Error, List<string> Names)> Run(Caller caller, Inode directory)
    {
        var names = new List<string>();
        Reply opened = await kernel.Connection.Call(caller, Opcode.Opendir, directory.NodeId,
            WireBytes.Of(new FileWire.OpenIn { Flags = 0x18800 }), new ReplyForm(OpenOutBytes), "OPENDIR");
        if (!opened.IsOk && opened.Error != Errno.ENOSYS)
        {
            return (opened.Error, names);
        }
        ulong handle = opened.IsOk ? opened.As<FileWire.OpenOut>().Handle : 0;
        bool plus = kernel.Session.Has(InitFlags.ReaddirPlus);
        ulong offset = 0;
        Errno error;
        do
        {
            int before = names.Count;
            (error, ulong last) = await Read(caller, directory, handle, offset, plus, names);
            plus = false;
            if (error != Errno.Ok || names.Count == before)
            {
                break;
            }
            offset = last;
        }
        while (true);
        if (opened.IsOk)
        {
            kernel.Connection.Post(Caller.None, Opcode.Releasedir, directory.NodeId,
                WireBytes.Of(new FileWire.ReleaseIn { Handle = handle }), "RELEASEDIR", hasNoReply: false);
        }
        return (error, names);
    }

    private async Task<(Errno Error, ulong Last)> Read(Caller caller, Inode directory, ulong handle, ulong offset,
        bool plus, List<string> names)
    {
        byte[] body = WireBytes.Of(new FileWire.TransferIn { Handle = handle, Offset = offset, Size = Size });
        Reply reply = await kernel.Connection.Call(caller, plus ? Opcode.Readdirplus : Opcode.Readdir, directory.NodeId,
            body, new ReplyForm(Size, MayBeShorter: true), $"{(plus ? "READDIRPLUS" : "READDIR")} {offset}");
        if (!reply.IsOk)
        {
            return (reply.Error, offset);
        }
        int head = plus ? PathWalk.EntryOutBytes : 0;
        int direntBytes = WireBytes.SizeOf<NameWire.Dirent>();
        for (int at = 0; at + head + direntBytes <= reply.Body.Length;)
        {
            NameWire.Dirent dirent = reply.As<NameWire.Dirent>(at + head);
            int length = (direntBytes + (int)dirent.NameLength + 7) / 8 * 8;
            if (dirent.NameLength == 0 || at + head + length > reply.Body.Length)
            {
                return (Errno.EIO, offset);
            }
            string name = System.Text.Encoding.UTF8.GetString(reply.Body, at + head + direntBytes, (int)dirent.NameLength);
            names.Add(name);
            offset = dirent.Offset;
            if (plus && name is not ("." or ".."))
            {
                Take(directory, name, reply.As<AttributeWire.EntryOut>(at));
            }
            at += head + length;
        }
        return (Errno.Ok, offset);
    }

    private void Take(Inode directory, string name, in AttributeWire.EntryOut entry)
    {
        if (entry.NodeId != 0)
        {
            kernel.Paths.Take(directory, name, entry);
        }
    }
}
