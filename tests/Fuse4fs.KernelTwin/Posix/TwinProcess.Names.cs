using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Names;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>Names and directories.</summary>
public sealed partial class TwinProcess
{
    private const uint AllPermissions = 0xFFF;

    public Task<long> Unlink(string path) => InDirectory(path,
        (directory, name) => _kernel.NameChanges.Unlink(Caller, directory, name, isDirectory: false));

    public Task<long> Rmdir(string path) => InDirectory(path,
        (directory, name) => _kernel.NameChanges.Unlink(Caller, directory, name, isDirectory: true));

    public async Task<long> Rename(string from, string to, uint flags = 0)
    {
        (Errno error, Inode? oldParent, string oldName) = await _kernel.Paths.Parent(Caller, from);
        if (error != Errno.Ok || oldParent is null)
        {
            return Fail(error);
        }
        (error, Inode? newParent, string newName) = await _kernel.Paths.Parent(Caller, to);
        if (error != Errno.Ok || newParent is null)
        {
            return Fail(error);
        }
        Inode first = oldParent.NodeId < newParent.NodeId ? oldParent : newParent;
        Inode second = first == oldParent ? newParent : oldParent;
        await _kernel.Syncing.WaitForThaw();
        await first.Lock.EnterExclusive();
        if (second != first)
        {
            await second.Lock.EnterExclusive();
        }
        try
        {
            return Fail(await _kernel.NameChanges.Rename(Caller, oldParent, oldName, newParent, newName, flags));
        }
        finally
        {
            if (second != first)
            {
                second.Lock.ExitExclusive();
            }
            first.Lock.ExitExclusive();
        }
    }

    public async Task<long> Link(string existing, string path)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, existing, follows: false);
        return error != Errno.Ok || inode is null ? Fail(error)
            : await InDirectory(path, (directory, name) => _kernel.NameChanges.Link(Caller, inode, directory, name));
    }

    public Task<long> Symlink(string target, string path) => InDirectory(path, async (directory, name) =>
    {
        byte[] body = [.. WireBytes.Name(name), .. WireBytes.Name(target)];
        return (await _kernel.NameChanges.Make(Caller, directory, name, Opcode.Symlink, body, $"SYMLINK {name}")).Error;
    });

    public Task<long> Mkdir(string path, uint mode = 0x1ED) => InDirectory(path, async (directory, name) =>
    {
        byte[] acl = await _kernel.Xattrs.Inherited(Caller, directory);
        var mkdir = new NameWire.MkdirIn { Mode = FinalMode(directory, mode, acl), Umask = Umask };
        (Errno error, Inode? inode) = await _kernel.NameChanges.Make(Caller, directory, name, Opcode.Mkdir,
            WireBytes.Of(mkdir, WireBytes.Name(name)), $"MKDIR {name} 0{Convert.ToString(mkdir.Mode, 8)}");
        if (error == Errno.Ok && inode is not null)
        {
            await _kernel.Xattrs.PassOn(Caller, inode, acl);
        }
        return error;
    });

    public Task<long> Mknod(string path, uint mode, uint device = 0) => InDirectory(path, async (directory, name) =>
    {
        byte[] acl = await _kernel.Xattrs.Inherited(Caller, directory);
        uint final = (mode & Inode.TypeMask) | FinalMode(directory, mode & AllPermissions, acl);
        var mknod = new NameWire.MknodIn { Mode = final, Rdev = device, Umask = Umask };
        return (await _kernel.NameChanges.Make(Caller, directory, name, Opcode.Mknod,
            WireBytes.Of(mknod, WireBytes.Name(name)), $"MKNOD {name} 0{Convert.ToString(final, 8)}")).Error;
    });

    public async Task<(long Error, string Target)> Readlink(string path)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: false);
        if (error != Errno.Ok || inode is null)
        {
            return (Fail(error), "");
        }
        (error, string target) = await _kernel.Paths.Readlink(Caller, inode);
        return (Fail(error), target);
    }

    /// <summary>The names in a directory, "." and ".." included when the server sends them.</summary>
    public async Task<(long Error, IReadOnlyList<string> Names)> Readdir(string path)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        if (error != Errno.Ok || inode is null)
        {
            return (Fail(error), []);
        }
        if (!inode.IsDirectory)
        {
            return (Fail(Errno.ENOTDIR), []);
        }
        (error, List<string> names) = await _kernel.Listing.Run(Caller, inode);
        return (Fail(error), names);
    }

    private async Task<long> InDirectory(string path, Func<Inode, string, Task<Errno>> body)
    {
        (Errno error, Inode? directory, string name) = await _kernel.Paths.Parent(Caller, path);
        if (error != Errno.Ok || directory is null)
        {
            return Fail(error);
        }
        await _kernel.Syncing.WaitForThaw();
        return await Locked(directory, async () => Fail(await body(directory, name)));
    }
}
