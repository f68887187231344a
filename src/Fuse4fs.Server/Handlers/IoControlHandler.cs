using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Server.Handlers;

/// <summary>IOCTL: the commands of ext4 that FUSE can carry, and our own (<see cref="ControlCommands"/>). Command numbers
/// are unsigned 32-bit words; what they carry in and out is limited to what the number itself declares.</summary>
internal static class IoControlHandler
{
    private const uint GetFlags = 0x80086601, GetFlags32 = 0x80046601;
    private const uint GetAttributesExtended = 0x801c581f;
    private const uint GetVersion = 0x80087601, GetVersion32 = 0x80047601;
    private const uint GetVersionExt4 = 0x80086603, GetVersionExt4On32 = 0x80046603;
    private const uint GetLabel = 0x81009431;
    private const uint GetUuid = 0x8008662c;

    private const int LabelBytes = 256;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out IoControlIn request) || body.Rest.Length < request.InputSize)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        switch (request.Command)
        {
            case GetFlags or GetFlags32:
            case GetAttributesExtended:
            case GetVersion or GetVersion32 or GetVersionExt4 or GetVersionExt4On32:
                return AnswerAboutInode(server, inode, in request, ref reply);
            case GetLabel:
                return AnswerLabel(server, in request, ref reply);
            case GetUuid:
                return AnswerUuidLength(in request, ref reply);
            case ControlCommands.Status:
                return ControlStatusWriter.Answer(server, in request, ref reply);
            case ControlCommands.Sync:
                reply.Append<IoControlOut>();
                return Errno.Ok;
            default:
                return Errno.NotTerminal;
        }
    }

    private static Errno AnswerAboutInode(
        ServedVolume server, InodeNumber inode, in IoControlIn request, ref ReplyWriter reply)
    {
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            return error;
        }
        switch (request.Command)
        {
            case GetFlags or GetFlags32:
                return AnswerWord(InodeFlagWords.Visible(in attributes), in request, ref reply);
            case GetAttributesExtended:
                var extended = new ExtendedAttributes
                {
                    Flags = InodeFlagWords.Extended(in attributes),
                    ProjectId = attributes.ProjectId,
                };
                return Answer(MemoryMarshal.AsBytes(new ReadOnlySpan<ExtendedAttributes>(in extended)), in request,
                    ref reply);
            default:
                return AnswerWord(attributes.Generation, in request, ref reply);
        }
    }

    private static Errno AnswerLabel(ServedVolume server, in IoControlIn request, ref ReplyWriter reply)
    {
        Span<byte> label = stackalloc byte[LabelBytes];
        label.Clear();
        server.Volume.GetLabel(label);
        return Answer(label, in request, ref reply);
    }

    /// <summary>EXT4_IOC_GETFSUUID carries 8 bytes only, the length of the UUID and flags; the bytes behind them are not
    /// copied by FUSE. A caller that asks for the length gets it.</summary>
    private static Errno AnswerUuidLength(in IoControlIn request, ref ReplyWriter reply)
    {
        Span<byte> answer = stackalloc byte[8];
        answer.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(answer, Volume.UuidBytes);
        return Answer(answer, in request, ref reply);
    }

    private static Errno AnswerWord(uint word, in IoControlIn request, ref ReplyWriter reply) =>
        Answer(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in word)), in request, ref reply);

    /// <summary>Appends what the command returns.</summary>
    internal static Errno Answer(ReadOnlySpan<byte> data, in IoControlIn request, ref ReplyWriter reply)
    {
        if (request.OutputSize < (uint)data.Length)
        {
            return Errno.Invalid;
        }
        reply.Append<IoControlOut>();
        reply.Append(data);
        return Errno.Ok;
    }
}
