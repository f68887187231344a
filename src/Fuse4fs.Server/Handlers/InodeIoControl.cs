using System.Runtime.InteropServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>The ioctl commands about one inode. The kernel has checked who may change flags.</summary>
internal static class InodeIoControl
{
    public static Errno Get(ServedVolume server, InodeNumber inode, in IoControlIn request, ref ReplyWriter reply)
    {
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            return error;
        }
        switch (request.Command)
        {
            case IoControlCommands.GetFlags or IoControlCommands.GetFlags32:
                return AnswerWord(InodeFlagWords.Visible(in attributes), in request, ref reply);
            case IoControlCommands.GetExtended:
                var extended = new ExtendedAttributes
                {
                    Flags = InodeFlagWords.Extended(in attributes),
                    ProjectId = attributes.ProjectId,
                };
                return IoControlHandler.Answer(
                    MemoryMarshal.AsBytes(new ReadOnlySpan<ExtendedAttributes>(in extended)), in request, ref reply);
            default:
                return AnswerWord(attributes.Generation, in request, ref reply);
        }
    }

    public static Errno Set(ServedVolume server, InodeNumber inode, in InHeader header, in IoControlIn request,
        ReadOnlySpan<byte> input, ref ReplyWriter reply)
    {
        if (request.Command == IoControlCommands.SetExtended)
        {
            return MemoryMarshal.TryRead(input, out ExtendedAttributes wanted)
                ? IoControlHandler.Finish(SetExtended(server, inode, in wanted, header.Uid == 0), ref reply)
                : Errno.Invalid;
        }
        if (!MemoryMarshal.TryRead(input, out uint word))
        {
            return Errno.Invalid;
        }
        if (request.Command == IoControlCommands.SetFlags)
        {
            return IoControlHandler.Finish(server.Volume.SetFlags(inode, (InodeFlags)word), ref reply);
        }
        return IoControlHandler.Finish(SetGeneration(server, inode, in header, word), ref reply);
    }

    /// <summary>The owner or root; nobody else has looked.</summary>
    public static Errno Migrate(ServedVolume server, InodeNumber inode, in InHeader header, ref ReplyWriter reply)
    {
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok && header.Uid != 0 && header.Uid != server.Ids.User(attributes.UserId))
        {
            error = Errno.AccessDenied;
        }
        return IoControlHandler.Finish(error == Errno.Ok ? server.Volume.Migrate(inode) : error, ref reply);
    }

    private static Errno SetExtended(
        ServedVolume server, InodeNumber inode, in ExtendedAttributes wanted, bool mayExceedQuota)
    {
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (wanted.ProjectId != attributes.ProjectId)
        {
            error = server.Volume.SetProject(inode, wanted.ProjectId, mayExceedQuota);
        }
        return error == Errno.Ok
            ? server.Volume.SetFlags(inode, InodeFlagWords.FromExtended(attributes.Flags, wanted.Flags))
            : error;
    }

    /// <summary>The owner or root, as the kernel's ext4 has it; nobody else has looked.</summary>
    private static Errno SetGeneration(ServedVolume server, InodeNumber inode, in InHeader header, uint generation)
    {
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok && header.Uid != 0 && header.Uid != server.Ids.User(attributes.UserId))
        {
            error = Errno.NotPermitted;
        }
        return error == Errno.Ok ? server.Volume.SetGeneration(inode, generation) : error;
    }

    private static Errno AnswerWord(uint word, in IoControlIn request, ref ReplyWriter reply) =>
        IoControlHandler.Answer(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in word)), in request, ref reply);
}
