using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Directories, lookups, forgets.</summary>
internal sealed partial class RefServer
{
    private const uint SetGid = 0x400;
    private const uint Directory = 0x4000;

    private (Errno, byte[]) Names(Opcode opcode, in HeaderWire.RequestHead head, RefNode node, byte[] body)
    {
        switch (opcode)
        {
            case Opcode.Lookup:
                return node.Children.TryGetValue(WireBytes.NameAt(body, 0, out _), out ulong found)
                    ? (Errno.Ok, Entry(Node(found))) : (Errno.ENOENT, []);
            case Opcode.Forget:
                Forget(node, WireBytes.Read<SessionWire.Word>(body).Value);
                return (Errno.Ok, []);
            case Opcode.Create or Opcode.Tmpfile:
                FileWire.CreateIn create = WireBytes.Read<FileWire.CreateIn>(body);
                RefNode made = Add(node, head, WireBytes.NameAt(body, 16, out _), create.Mode, opcode == Opcode.Create);
                made.Opens++;
                return (Errno.Ok, [.. Entry(made), .. OpenOut()]);
            case Opcode.Mknod:
                NameWire.MknodIn mknod = WireBytes.Read<NameWire.MknodIn>(body);
                RefNode special = Add(node, head, WireBytes.NameAt(body, 16, out _), mknod.Mode, isLinked: true);
                special.Rdev = mknod.Rdev;
                return (Errno.Ok, Entry(special));
            case Opcode.Mkdir:
                uint mode = WireBytes.Read<NameWire.MkdirIn>(body).Mode | Directory;
                RefNode directory = Add(node, head, WireBytes.NameAt(body, 8, out _), mode, isLinked: true);
                directory.Links = 2;
                node.Links++;
                return (Errno.Ok, Entry(directory));
            case Opcode.Symlink:
                string link = WireBytes.NameAt(body, 0, out int next);
                RefNode symbolic = Add(node, head, link, 0xA1FF, isLinked: true);
                symbolic.Target = WireBytes.NameAt(body, next, out _);
                symbolic.Size = symbolic.Target.Length;
                return (Errno.Ok, Entry(symbolic));
            case Opcode.Readlink:
                return (Errno.Ok, WireBytes.Name(node.Target)[..^1]);
            case Opcode.Link:
                return Link(node, Node(WireBytes.Read<ulong>(body)), WireBytes.NameAt(body, 8, out _));
            case Opcode.Unlink or Opcode.Rmdir:
                return (Remove(node, WireBytes.NameAt(body, 0, out _)), []);
            case Opcode.Rename or Opcode.Rename2:
                return (Rename(node, opcode, body), []);
            case Opcode.Opendir:
                return (Errno.Ok, WireBytes.Of(new FileWire.OpenOut { Handle = ++_lastHandle }));
            case Opcode.Readdir or Opcode.Readdirplus:
                return (Errno.Ok, List(node, opcode, WireBytes.Read<FileWire.TransferIn>(body).Offset));
            case Opcode.Releasedir or Opcode.Fsyncdir or Opcode.Access:
                return (Errno.Ok, []);
            default:
                return (Errno.ENOSYS, []);
        }
    }

    private RefNode Add(RefNode parent, in HeaderWire.RequestHead head, string name, uint mode, bool isLinked)
    {
        bool inherits = (parent.Mode & SetGid) != 0;
        bool isDirectory = (mode & 0xF000) == Directory;
        RefNode node = volume.Create(mode | (inherits && isDirectory ? SetGid : 0), head.Uid,
            inherits ? parent.Gid : head.Gid);
        node.Inline = policy.IsInline && node.IsRegular ? [] : null;
        node.Links = isLinked ? 1u : 0;
        if (isLinked)
        {
            parent.Children[name] = node.Ino;
            volume.Touch(parent);
        }
        return node;
    }

    private byte[] Entry(RefNode node)
    {
        node.Lookups++;
        return WireBytes.Of(new AttributeWire.EntryOut
        {
            NodeId = node.Ino,
            Generation = node.Generation,
            EntryValid = Valid,
            AttrValid = Valid,
            Attr = Attr(node),
        });
    }

    private (Errno, byte[]) Link(RefNode parent, RefNode node, string name)
    {
        parent.Children[name] = node.Ino;
        node.Links++;
        volume.Touch(parent);
        return (Errno.Ok, Entry(node));
    }

    private Errno Remove(RefNode parent, string name)
    {
        if (!parent.Children.TryGetValue(name, out ulong ino))
        {
            return Errno.ENOENT;
        }
        RefNode node = Node(ino);
        if (node.IsDirectory && node.Children.Count > 0)
        {
            return Errno.ENOTEMPTY;
        }
        parent.Children.Remove(name);
        parent.Links -= node.IsDirectory ? 1u : 0;
        volume.Touch(parent);
        Unlink(node);
        return Errno.Ok;
    }

    private void Unlink(RefNode node)
    {
        node.Links = node.IsDirectory ? 0 : node.Links - 1;
        if (node.Links == 0 && Mischief == Mischief.BlocksFreedAtUnlink)
        {
            _extents.Remove(node, 0, long.MaxValue);
        }
        if (node.Links == 0 && Mischief == Mischief.NodeReusedTooEarly)
        {
            volume.Nodes.Remove(node.Ino);
            volume.FreedNumbers.Enqueue(node.Ino);
            return;
        }
        DropIfGone(node);
    }

    private Errno Rename(RefNode from, Opcode opcode, byte[] body)
    {
        NameWire.Rename2In rename = WireBytes.Read<NameWire.Rename2In>(body);
        uint flags = opcode == Opcode.Rename2 ? rename.Flags : 0;
        string oldName = WireBytes.NameAt(body, opcode == Opcode.Rename2 ? 16 : 8, out int next);
        string newName = WireBytes.NameAt(body, next, out _);
        RefNode to = Node(rename.NewDirectory);
        if (!from.Children.TryGetValue(oldName, out ulong moved))
        {
            return Errno.ENOENT;
        }
        bool hasOther = to.Children.TryGetValue(newName, out ulong other);
        if ((flags & 1) != 0 && hasOther)
        {
            return Errno.EEXIST;
        }
        if (hasOther && flags == 0 && Node(other) is { IsDirectory: true, Children.Count: > 0 })
        {
            return Errno.ENOTEMPTY;
        }
        if (Mischief != Mischief.RenameKeepsOldName)
        {
            from.Children.Remove(oldName);
        }
        to.Children[newName] = moved;
        volume.Touch(from);
        volume.Touch(to);
        if ((flags & 2) != 0 && hasOther)
        {
            from.Children[oldName] = other;
        }
        else if (hasOther)
        {
            Unlink(Node(other));
        }
        return Errno.Ok;
    }

    private byte[] List(RefNode node, Opcode opcode, ulong offset)
    {
        var bytes = new List<byte>();
        ulong index = 0;
        foreach ((string name, ulong ino) in node.Children.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (++index <= offset)
            {
                continue;
            }
            byte[] text = WireBytes.Name(name)[..^1];
            var dirent = new NameWire.Dirent
            {
                Ino = ino,
                Offset = index,
                NameLength = (uint)text.Length,
                Type = (Node(ino).Mode >> 12) & 15,
            };
            if (opcode == Opcode.Readdirplus)
            {
                bytes.AddRange(Entry(Node(ino)));
            }
            bytes.AddRange(WireBytes.Of(dirent, text));
            while (bytes.Count % 8 != 0)
            {
                bytes.Add(0);
            }
        }
        return [.. bytes];
    }

    private void BatchForget(byte[] body)
    {
        uint count = WireBytes.Read<SessionWire.BatchForgetIn>(body).Count;
        for (int index = 0; index < count; index++)
        {
            SessionWire.ForgetOne one = WireBytes.Read<SessionWire.ForgetOne>(body, 8 + (16 * index));
            if (volume.Nodes.TryGetValue(one.NodeId, out RefNode? node))
            {
                Forget(node, one.Lookups);
            }
        }
    }

    private void Forget(RefNode node, ulong lookups)
    {
        node.Lookups -= Math.Min(lookups, node.Lookups);
        Persist(node);
        DropIfGone(node);
    }

    private void DropIfGone(RefNode node)
    {
        if (node.Links == 0 && node.Lookups == 0 && node.Opens <= 0)
        {
            _extents.Remove(node, 0, long.MaxValue);
            volume.Nodes.Remove(node.Ino);
        }
    }

    /// <summary>A new mount: the kernel holds nothing.</summary>
    public static void ForgetEverything(RefVolume volume)
    {
        foreach (RefNode node in volume.Nodes.Values.ToArray())
        {
            node.Lookups = node.Ino == 1 ? 1u : 0;
            node.Opens = 0;
            node.HasCache = false;
            node.PendingSize = 0;
        }
    }

    /// <summary>The descriptor under which the server knows its device.</summary>
    public static void Register(TwinKernel kernel, RefVolume volume, Mischief mischief) =>
        kernel.RegisterDescriptor(DeviceDescriptor, new Devices.BackingDescriptor(volume.Storage,
            CanWrite: mischief != Mischief.DeviceOpenedReadOnly));
}
