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
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out IoControlIn request)
            || !body.TryTakeBytes(request.InputSize, out ReadOnlySpan<byte> input))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        switch (request.Command)
        {
            case IoControlCommands.GetFlags or IoControlCommands.GetFlags32
                or IoControlCommands.GetExtended
                or IoControlCommands.GetVersion or IoControlCommands.GetVersion32
                or IoControlCommands.GetVersionExt4 or IoControlCommands.GetVersionExt4On32:
                return InodeIoControl.Get(server, inode, in request, ref reply);
            case IoControlCommands.SetFlags or IoControlCommands.SetExtended
                or IoControlCommands.SetVersion or IoControlCommands.SetVersion32
                or IoControlCommands.SetVersionExt4 or IoControlCommands.SetVersionExt4On32:
                return InodeIoControl.Set(server, inode, in header, in request, input, ref reply);
            case IoControlCommands.Migrate:
                return InodeIoControl.Migrate(server, inode, in header, ref reply);
            case IoControlCommands.GetLabel:
                return VolumeIoControl.GetLabel(server, in request, ref reply);
            case IoControlCommands.SetLabel:
                return VolumeIoControl.SetLabel(server, in header, input, ref reply);
            case IoControlCommands.GetUuid:
                return VolumeIoControl.GetUuid(server, in header, in request, ref reply);
            case IoControlCommands.SetUuid:
                return VolumeIoControl.SetUuid(server, in header, in request, input, ref reply);
            case IoControlCommands.Checkpoint:
                return VolumeIoControl.Checkpoint(server, in header, input, ref reply);
            case IoControlCommands.Resize:
                // Everything here knows the volume's size from the moment it was opened: resize2fs works unmounted.
                return Errno.NotSupported;
            case IoControlCommands.GetSpaceMap:
                return SpaceMapIoControl.Get(server, in header, in request, input, ref reply);
            case IoControlCommands.Trim:
                return VolumeIoControl.Trim(server, in header, input, ref reply);
            case IoControlCommands.Shutdown:
                return VolumeIoControl.ShutDown(server, in header, in request, ref reply);
            case ControlCommands.Identify:
                return IdentityAnswer.Give(server, in request, ref reply);
            case ControlCommands.Status:
                return StatusAnswer.Give(server, in header, in request, ref reply);
            case ControlCommands.Sync:
                return SyncHandler.HandleAll(server, in header, ref reply, IoControlCommands.AnswerBytes);
            default:
                return Errno.NotTerminal;
        }
    }

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

    /// <summary>Appends the answer of a command that returns nothing but success.</summary>
    internal static Errno Finish(Errno error, ref ReplyWriter reply)
    {
        if (error == Errno.Ok)
        {
            reply.Append<IoControlOut>();
        }
        return error;
    }
}
