using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Names;

/// <summary>From a path to an inode: cached names, LOOKUP, permissions. Traces 3.</summary>
internal sealed class PathWalk(TwinKernel kernel)
{
    public const int EntryOutBytes = 128;
    private const int MostLinks = 40;
    private const uint Execute = 1;

    /// <summary>The directory that a path's last component is in, and that component.</summary>
    public async Task<(Errno Error, Inode? Directory, string Name)> Parent(Caller caller, string path)
    {
        string trimmed = path.TrimEnd('/');
        int slash = trimmed.LastIndexOf('/');
        (Errno error, Inode? directory) = await Resolve(caller, slash <= 0 ? "/" : trimmed[..slash], follows: true);
        return (error, directory, trimmed[(slash + 1)..]);
    }

    public async Task<(Errno Error, Inode? Inode)> Resolve(Caller caller, string path, bool follows)
    {
        var pending = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var trail = new Stack<Inode>();
        Inode current = kernel.Inodes.Root;
        int links = 0;
        while (pending.TryPop(out string? name))
        {
            if (name is "." or "..")
            {
                current = name == ".." && trail.TryPop(out Inode? parent) ? parent : current;
                continue;
            }
            (Errno error, Inode? next) = await Step(caller, current, name);
            if (error != Errno.Ok || next is null)
            {
                return (error, null);
            }
            if ((next.Mode & Inode.TypeMask) == Inode.TypeLink && (follows || pending.Count > 0))
            {
                (error, string target) = await Readlink(caller, next);
                if (error != Errno.Ok || ++links > MostLinks)
                {
                    return (error != Errno.Ok ? error : Errno.ELOOP, null);
                }
                current = target.StartsWith('/') ? kernel.Inodes.Root : current;
                foreach (string part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    pending.Push(part);
                }
                continue;
            }
            trail.Push(current);
            current = next;
        }
        return (Errno.Ok, current);
    }

    /// <summary>One name in one directory.</summary>
    public async Task<(Errno Error, Inode? Inode)> Step(Caller caller, Inode directory, string name)
    {
        Errno error = await MayEnter(caller, directory);
        return error != Errno.Ok ? (error, null) : await Lookup(caller, directory, name);
    }

    public async Task<(Errno Error, Inode? Inode)> Lookup(Caller caller, Inode directory, string name)
    {
        if (directory.Children.TryGetValue(name, out Dentry? dentry))
        {
            return dentry.Target is null ? (Errno.ENOENT, null) : (Errno.Ok, dentry.Target);
        }
        Reply reply = await kernel.Connection.Call(caller, Opcode.Lookup, directory.NodeId, WireBytes.Name(name),
            new ReplyForm(EntryOutBytes), $"LOOKUP {name}");
        if (!reply.IsOk)
        {
            return (reply.Error, null);
        }
        AttributeWire.EntryOut entry = reply.As<AttributeWire.EntryOut>();
        if (entry.NodeId == 0)
        {
            reply.Entry.Answer = "=> ENOENT";
            Remember(directory, name, null, entry.EntryValid, entry.EntryValidNanoseconds);
            return (Errno.ENOENT, null);
        }
        return Take(directory, name, entry);
    }

    /// <summary>Instantiates what an entry reply brought, and remembers the name.</summary>
    public (Errno Error, Inode? Inode) Take(Inode directory, string name, in AttributeWire.EntryOut entry)
    {
        (Errno error, Inode? inode) = kernel.Inodes.Instantiate(entry);
        if (error == Errno.Ok)
        {
            Remember(directory, name, inode, entry.EntryValid, entry.EntryValidNanoseconds);
        }
        return (error, inode);
    }

    public async Task<(Errno Error, string Target)> Readlink(Caller caller, Inode inode)
    {
        Reply reply = await kernel.Connection.Call(caller, Opcode.Readlink, inode.NodeId, [],
            new ReplyForm(4096, MayBeShorter: true), "READLINK");
        return (reply.Error, reply.IsOk ? System.Text.Encoding.UTF8.GetString(reply.Body) : "");
    }

    /// <summary>Whether the mode lets the caller do this; root may.</summary>
    /// <param name="wanted">4 read, 2 write, 1 execute.</param>
    public static bool MayAccess(Caller caller, Inode inode, uint wanted)
    {
        if (caller.Uid == 0)
        {
            return true;
        }
        int shift = caller.Uid == inode.Uid ? 6 : caller.Gid == inode.Gid ? 3 : 0;
        return ((inode.Mode >> shift) & wanted) == wanted;
    }

    /// <summary>Fresh attributes, and the right to search.</summary>
    private async Task<Errno> MayEnter(Caller caller, Inode directory)
    {
        if (!directory.AttributesAreValid)
        {
            Errno error = await kernel.Attributes.Getattr(caller, directory);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        return !directory.IsDirectory ? Errno.ENOTDIR
            : MayAccess(caller, directory, Execute) ? Errno.Ok : Errno.EACCES;
    }

    private static void Remember(Inode directory, string name, Inode? inode, ulong valid, uint nanoseconds)
    {
        if (valid > 0 || nanoseconds > 0)
        {
            directory.Children[name] = new Dentry(inode);
        }
    }
}
