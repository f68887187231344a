using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Names;

/// <summary>UNLINK, RMDIR, RENAME, LINK, SYMLINK, MKDIR, MKNOD: the name changes, then the times of every regular inode
/// that was touched. Traces 3.</summary>
internal sealed class NameChanges(TwinKernel kernel)
{
    private const uint WriteAndSearch = 3;

    public async Task<Errno> Unlink(Caller caller, Inode directory, string name, bool isDirectory)
    {
        (Errno error, Inode? inode) = await Before(caller, directory, name);
        if (error != Errno.Ok || inode is null)
        {
            return error;
        }
        if (inode.IsDirectory != isDirectory)
        {
            return isDirectory ? Errno.ENOTDIR : Errno.EISDIR;
        }
        if (inode.IsImmutable || inode.IsAppendOnly)
        {
            return Errno.EPERM;
        }
        Reply reply = await kernel.Connection.Call(caller, isDirectory ? Opcode.Rmdir : Opcode.Unlink, directory.NodeId,
            WireBytes.Name(name), ReplyForm.Empty, $"{(isDirectory ? "RMDIR" : "UNLINK")} {name}");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        directory.Children.Remove(name);
        directory.AttributesAreValid = false;
        await LoseLink(caller, inode);
        return Errno.Ok;
    }

    /// <param name="flags">RENAME_NOREPLACE 1, RENAME_EXCHANGE 2; 0 is sent as RENAME.</param>
    public async Task<Errno> Rename(Caller caller, Inode from, string oldName, Inode to, string newName, uint flags)
    {
        (Errno error, Inode? moved) = await Before(caller, from, oldName);
        if (error != Errno.Ok || moved is null)
        {
            return error;
        }
        (error, Inode? replaced) = await Before(caller, to, newName);
        if (error is not (Errno.Ok or Errno.ENOENT))
        {
            return error;
        }
        if (moved == replaced && flags == 0)
        {
            return Errno.Ok;
        }
        var head = new NameWire.Rename2In { NewDirectory = to.NodeId, Flags = flags };
        byte[] prefix = flags == 0 ? WireBytes.Of(head.NewDirectory) : WireBytes.Of(head);
        byte[] body = [.. prefix, .. WireBytes.Name(oldName), .. WireBytes.Name(newName)];
        Reply reply = await kernel.Connection.Call(caller, flags == 0 ? Opcode.Rename : Opcode.Rename2, from.NodeId, body,
            ReplyForm.Empty, $"{(flags == 0 ? "RENAME" : "RENAME2")} {oldName} {newName}");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        from.Children.Remove(oldName);
        to.Children[newName] = new Dentry(moved);
        from.AttributesAreValid = false;
        to.AttributesAreValid = false;
        await Touch(caller, moved);
        if (replaced is null)
        {
            return Errno.Ok;
        }
        if ((flags & 2) != 0)
        {
            from.Children[oldName] = new Dentry(replaced);
            await Touch(caller, replaced);
            return Errno.Ok;
        }
        await LoseLink(caller, replaced);
        return Errno.Ok;
    }

    public async Task<Errno> Link(Caller caller, Inode inode, Inode directory, string name)
    {
        (Errno error, _) = await Before(caller, directory, name);
        if (error != Errno.ENOENT)
        {
            return error == Errno.Ok ? Errno.EEXIST : error;
        }
        byte[] body = [.. WireBytes.Of(inode.NodeId), .. WireBytes.Name(name)];
        Reply reply = await kernel.Connection.Call(caller, Opcode.Link, directory.NodeId, body,
            new ReplyForm(PathWalk.EntryOutBytes), $"LINK {name}");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        directory.AttributesAreValid = false;
        directory.Children.Remove(name);
        (error, _) = kernel.Paths.Take(directory, name, reply.As<AttributeWire.EntryOut>());
        if (error == Errno.Ok)
        {
            await Touch(caller, inode);
        }
        return error;
    }

    /// <summary>MKDIR, MKNOD or SYMLINK: a new inode that is not opened.</summary>
    public async Task<(Errno Error, Inode? Inode)> Make(Caller caller, Inode directory, string name, Opcode opcode,
        byte[] body, string text)
    {
        (Errno error, _) = await Before(caller, directory, name);
        if (error != Errno.ENOENT)
        {
            return (error == Errno.Ok ? Errno.EEXIST : error, null);
        }
        Reply reply = await kernel.Connection.Call(caller, opcode, directory.NodeId, body,
            new ReplyForm(PathWalk.EntryOutBytes), text);
        if (!reply.IsOk)
        {
            return (reply.Error, null);
        }
        directory.AttributesAreValid = false;
        directory.Children.Remove(name);
        return kernel.Paths.Take(directory, name, reply.As<AttributeWire.EntryOut>());
    }

    /// <summary>The right to change a directory, and what stands under the name now.</summary>
    public async Task<(Errno Error, Inode? Inode)> Before(Caller caller, Inode directory, string name)
    {
        (Errno error, Inode? inode) = await kernel.Paths.Step(caller, directory, name);
        if (error is Errno.Ok or Errno.ENOENT && !PathWalk.MayAccess(caller, directory, WriteAndSearch))
        {
            return (Errno.EACCES, null);
        }
        return (error, inode);
    }

    private async Task LoseLink(Caller caller, Inode inode)
    {
        inode.Nlink = inode.Nlink > 0 ? inode.Nlink - 1 : 0;
        inode.IsUnlinked = inode.IsDirectory || inode.Nlink == 0;
        inode.AttributesAreValid = false;
        await Touch(caller, inode);
        kernel.Inodes.EvictIfGone(inode);
    }

    private async Task Touch(Caller caller, Inode inode)
    {
        kernel.Attributes.TouchChanged(inode);
        await kernel.Attributes.FlushTimes(caller, inode);
    }
}
