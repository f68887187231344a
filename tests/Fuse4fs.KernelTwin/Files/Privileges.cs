using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>Asks for and strips what a change of data takes away: capability, suid, sgid. Traces 1-8, 12, 17-2.
/// </summary>
internal sealed class Privileges(TwinKernel kernel)
{
    private const string Capability = "security.capability";
    private const uint SetUid = 0x800;
    private const uint SetGid = 0x400;
    private const uint GroupExecute = 0x8;
    private bool _xattrsAreUnknown;

    /// <summary>Before a write, truncate, fallocate, copy.</summary>
    public async Task<Errno> Strip(Caller caller, Inode inode)
    {
        if (await HasCapability(caller, inode))
        {
            // Once to know, once to take it away.
            await HasCapability(caller, inode);
            Errno removed = await Remove(caller, inode);
            if (removed != Errno.Ok)
            {
                return removed;
            }
        }
        uint stripped = Without(inode.Mode, caller);
        return stripped == inode.Mode ? Errno.Ok : await SetMode(caller, inode, stripped, SetattrBits.Mode);
    }

    /// <summary>Whether the server has the attribute; nothing is asked when that is known.</summary>
    public async Task<bool> HasCapability(Caller caller, Inode inode)
    {
        if (!kernel.Quirks.CapabilityIsAsked || _xattrsAreUnknown || inode.HasNothingToStrip || !inode.IsRegular)
        {
            return false;
        }
        byte[] body = WireBytes.Of(new NameWire.XattrSize(), WireBytes.Name(Capability));
        Reply reply = await kernel.Connection.Call(caller, Opcode.Getxattr, inode.NodeId, body, new ReplyForm(8), "GX");
        _xattrsAreUnknown |= reply.Error == Errno.ENOSYS;
        reply.Entry.Answer = "";
        if (reply.IsOk)
        {
            return reply.As<NameWire.XattrSize>().Size > 0;
        }
        inode.HasNothingToStrip = kernel.Session.Has(InitFlags.HandleKillPrivV2);
        return false;
    }

    /// <summary>The mode after stripping; root keeps what it may give.</summary>
    public static uint Without(uint mode, Caller caller)
    {
        if (caller.Uid == 0)
        {
            return mode;
        }
        uint gone = (mode & SetUid) | ((mode & (SetGid | GroupExecute)) == (SetGid | GroupExecute) ? SetGid : 0);
        return mode & ~gone;
    }

    public async Task<Errno> SetMode(Caller caller, Inode inode, uint mode, SetattrBits bits)
    {
        AttributeWire.SetattrIn change = Attributes.WithTimes(inode, bits);
        change.Mode = mode;
        (Errno error, _) = await kernel.Attributes.Setattr(caller, inode, change);
        if (error == Errno.Ok)
        {
            inode.Mode = mode;
        }
        return error;
    }

    private async Task<Errno> Remove(Caller caller, Inode inode)
    {
        Reply reply = await kernel.Connection.Call(caller, Opcode.Removexattr, inode.NodeId, WireBytes.Name(Capability),
            ReplyForm.Empty, $"REMOVEXATTR {Capability}");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        kernel.Attributes.TouchChanged(inode);
        return await kernel.Attributes.FlushTimes(caller, inode);
    }
}
