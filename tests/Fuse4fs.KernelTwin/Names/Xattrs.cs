using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Names;

/// <summary>Extended attributes and what of ACLs the kernel does: inheriting, the mode after setting. Traces 12.
/// </summary>
internal sealed class Xattrs(TwinKernel kernel)
{
    public const string DefaultAcl = "system.posix_acl_default";
    public const string AccessAcl = "system.posix_acl_access";
    private const int LargestValue = 65536;
    private const int AclSize = 4096;

    public async Task<(Errno Error, byte[] Value)> Get(Caller caller, Inode inode, string name, int size)
    {
        byte[] body = WireBytes.Of(new NameWire.XattrSize { Size = (uint)size }, WireBytes.Name(name));
        Reply reply = await kernel.Connection.Call(caller, Opcode.Getxattr, inode.NodeId, body,
            size == 0 ? new ReplyForm(8) : new ReplyForm(size, MayBeShorter: true), $"GETXATTR {name} {size}");
        return (reply.Error, reply.Body);
    }

    public async Task<(Errno Error, string[] Names)> List(Caller caller, Inode inode)
    {
        byte[] body = WireBytes.Of(new NameWire.XattrSize { Size = LargestValue });
        Reply reply = await kernel.Connection.Call(caller, Opcode.Listxattr, inode.NodeId, body,
            new ReplyForm(LargestValue, MayBeShorter: true), "LISTXATTR");
        string[] names = reply.IsOk
            ? System.Text.Encoding.UTF8.GetString(reply.Body).Split('\0', StringSplitOptions.RemoveEmptyEntries) : [];
        return (reply.Error, names);
    }

    /// <summary>SETXATTR, and for a regular file the flush of its ctime.</summary>
    public async Task<Errno> Set(Caller caller, Inode inode, string name, byte[] value, uint flags)
    {
        var head = new NameWire.SetxattrIn { Size = (uint)value.Length, Flags = flags };
        byte[] prefix = WireBytes.Of(head);
        int prefixBytes = kernel.Session.Has(InitFlags.SetxattrExtended) ? prefix.Length : prefix.Length / 2;
        byte[] body = [.. prefix[..prefixBytes], .. WireBytes.Name(name), .. value];
        Reply reply = await kernel.Connection.Call(caller, Opcode.Setxattr, inode.NodeId, body, ReplyForm.Empty,
            $"SETXATTR {name}");
        return await After(caller, inode, name, reply.Error);
    }

    public async Task<Errno> Remove(Caller caller, Inode inode, string name)
    {
        Reply reply = await kernel.Connection.Call(caller, Opcode.Removexattr, inode.NodeId, WireBytes.Name(name),
            ReplyForm.Empty, $"REMOVEXATTR {name}");
        return await After(caller, inode, name, reply.Error);
    }

    /// <summary>The default ACL of a directory that new files inherit; empty: none.</summary>
    public async Task<byte[]> Inherited(Caller caller, Inode directory)
    {
        if (!directory.IsExclusive || !kernel.Session.Has(InitFlags.PosixAcl))
        {
            return [];
        }
        if (!directory.Acls.TryGetValue(DefaultAcl, out byte[]? acl))
        {
            (Errno error, acl) = await Get(caller, directory, DefaultAcl, AclSize);
            acl = error == Errno.Ok ? acl : [];
            directory.Acls[DefaultAcl] = acl;
        }
        return acl;
    }

    /// <summary>Gives a new inode what it inherits.</summary>
    public async Task PassOn(Caller caller, Inode inode, byte[] acl)
    {
        if (acl.Length == 0)
        {
            return;
        }
        if (inode.IsDirectory)
        {
            await Set(caller, inode, DefaultAcl, acl, 0);
        }
        await Set(caller, inode, AccessAcl, acl, 0);
    }

    private async Task<Errno> After(Caller caller, Inode inode, string name, Errno error)
    {
        inode.Acls.Remove(name);
        inode.HasNothingToStrip = false;
        if (error != Errno.Ok)
        {
            return error;
        }
        if (inode.IsIomap)
        {
            kernel.Attributes.TouchChanged(inode);
            await kernel.Attributes.FlushTimes(caller, inode);
        }
        return Errno.Ok;
    }
}
