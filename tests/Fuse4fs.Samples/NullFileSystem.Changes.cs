using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

internal sealed partial class NullFileSystem
{
    private const uint NoReplace = 1;
    private const uint Exchange = 2;

    /// <summary>Of such files the kernel keeps the times.</summary>
    private const uint IsKernels = NodeAttributes.IomapFlag;

    private Errno Create(in InHeader header, NullNode directory, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out CreateIn request))
        {
            return Errno.Invalid;
        }
        Errno error = AddNew(in header, directory, ref body, ref reply, request.Mode & ~request.Umask, null);
        if (error == Errno.Ok)
        {
            ref OpenOut open = ref reply.Append<OpenOut>();
            open.Flags = OpenReplyFlags.KeepCache;
        }
        return error;
    }

    private Errno MakeNode(in InHeader header, NullNode directory, ref RequestReader body, ref ReplyWriter reply)
        => body.TryTake(out MakeNodeIn request)
            ? AddNew(in header, directory, ref body, ref reply, request.Mode & ~request.Umask, null)
            : Errno.Invalid;

    private Errno MakeDirectory(in InHeader header, NullNode directory, ref RequestReader body, ref ReplyWriter reply)
    {
        const uint directoryType = 0x4000;
        return body.TryTake(out MakeDirectoryIn request)
            ? AddNew(in header, directory, ref body, ref reply, directoryType | (request.Mode & ~request.Umask), null)
            : Errno.Invalid;
    }

    private Errno MakeSymbolicLink(
        in InHeader header, NullNode directory, ref RequestReader body, ref ReplyWriter reply)
    {
        const uint linkMode = 0xA1FF;
        RequestReader names = body;
        return body.TryTakeName(out _) && body.TryTakeName(out ReadOnlySpan<byte> target)
            ? AddNew(in header, directory, ref names, ref reply, linkMode, target.ToArray())
            : Errno.Invalid;
    }

    private Errno AddNew(
        in InHeader header,
        NullNode directory,
        ref RequestReader body,
        ref ReplyWriter reply,
        uint mode,
        byte[]? target)
    {
        Errno error = TakeName(ref body, out ReadOnlySpan<byte> name);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (directory.Entries is null)
        {
            return Errno.NotDirectory;
        }
        lock (directory.Gate)
        {
            if (directory.Entries.Find(name) is not null)
            {
                return Errno.Exists;
            }
            NullNode node = NewNode(mode, target);
            ref NodeAttributes attributes = ref node.Attributes;
            attributes.Uid = header.Uid;
            attributes.Gid = header.Gid;
            attributes.Size = (ulong)(target?.Length ?? 0);
            (attributes.ModifyTime, attributes.ModifyTimeNanoseconds) = Now();
            (attributes.AccessTime, attributes.AccessTimeNanoseconds) = Now();
            (attributes.ChangeTime, attributes.ChangeTimeNanoseconds) = Now();
            node.Parent = directory;
            Insert(directory, name, node);
            Fill(ref reply.Append<EntryOut>(), node);
        }
        return Errno.Ok;
    }

    private Errno Link(NullNode directory, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out LinkIn request) || !_nodes.TryGetValue(request.OldNodeId, out NullNode? node))
        {
            return Errno.Invalid;
        }
        Errno error = TakeName(ref body, out ReadOnlySpan<byte> name);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (directory.Entries is null)
        {
            return Errno.NotDirectory;
        }
        lock (directory.Gate)
        {
            if (directory.Entries.Find(name) is not null)
            {
                return Errno.Exists;
            }
            directory.Entries.Set(name, node);
            lock (node.Gate)
            {
                node.Attributes.Links++;
            }
            Fill(ref reply.Append<EntryOut>(), node);
        }
        return Errno.Ok;
    }

    private static Errno Remove(NullNode directory, ref RequestReader body, bool isDirectory)
    {
        Errno error = TakeName(ref body, out ReadOnlySpan<byte> name);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (directory.Entries is null)
        {
            return Errno.NotDirectory;
        }
        lock (directory.Gate)
        {
            if (directory.Entries.Find(name) is not NullNode node)
            {
                return Errno.NoEntry;
            }
            if (node.IsDirectory != isDirectory)
            {
                return isDirectory ? Errno.NotDirectory : Errno.IsDirectory;
            }
            if (!TryDrop(directory, node))
            {
                return Errno.NotEmpty;
            }
            directory.Entries.Remove(name);
        }
        return Errno.Ok;
    }

    /// <summary>Takes one link from a node whose name goes; the caller holds the directory's gate.</summary>
    private static bool TryDrop(NullNode directory, NullNode node)
    {
        lock (node.Gate)
        {
            if (node.IsDirectory)
            {
                if (node.Entries!.Count > 0)
                {
                    return false;
                }
                node.Attributes.Links = 0;
                directory.Attributes.Links--;
            }
            else
            {
                node.Attributes.Links--;
            }
            return true;
        }
    }

    private Errno Rename(Opcode opcode, NullNode from, ref RequestReader body)
    {
        Rename2In request = default;
        if (opcode == Opcode.Rename2)
        {
            if (!body.TryTake(out request))
            {
                return Errno.Invalid;
            }
        }
        else if (body.TryTake(out RenameIn plain))
        {
            request.NewDirectory = plain.NewDirectory;
        }
        if (!body.TryTakeName(out ReadOnlySpan<byte> oldName)
            || !_nodes.TryGetValue(request.NewDirectory, out NullNode? to))
        {
            return Errno.Invalid;
        }
        Errno error = TakeName(ref body, out ReadOnlySpan<byte> newName);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (from.Entries is null || to.Entries is null)
        {
            return Errno.NotDirectory;
        }
        lock (from.Id <= to.Id ? from.Gate : to.Gate)
        {
            lock (from.Id <= to.Id ? to.Gate : from.Gate)
            {
                return Move(from, oldName, to, newName, request.Flags);
            }
        }
    }

    private static Errno Move(
        NullNode from, ReadOnlySpan<byte> oldName, NullNode to, ReadOnlySpan<byte> newName, uint flags)
    {
        if (from.Entries!.Find(oldName) is not NullNode moved)
        {
            return Errno.NoEntry;
        }
        NullNode? replaced = to.Entries!.Find(newName);
        if (ReferenceEquals(replaced, moved))
        {
            return Errno.Ok;
        }
        if (flags == Exchange)
        {
            if (replaced is null)
            {
                return Errno.NoEntry;
            }
            from.Entries.Set(oldName, replaced);
            to.Entries.Set(newName, moved);
            Reparent(replaced, to, from);
            Reparent(moved, from, to);
            return Errno.Ok;
        }
        if (flags is not (0 or NoReplace))
        {
            return Errno.Invalid;
        }
        if (replaced is not null)
        {
            Errno error = flags == NoReplace ? Errno.Exists
                : replaced.IsDirectory && !moved.IsDirectory ? Errno.IsDirectory
                : !replaced.IsDirectory && moved.IsDirectory ? Errno.NotDirectory
                : TryDrop(to, replaced) ? Errno.Ok : Errno.NotEmpty;
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        to.Entries.Set(newName, moved);
        from.Entries.Remove(oldName);
        Reparent(moved, from, to);
        return Errno.Ok;
    }

    private static void Reparent(NullNode moved, NullNode from, NullNode to)
    {
        if (moved.IsDirectory && from != to)
        {
            from.Attributes.Links--;
            to.Attributes.Links++;
            moved.Parent = to;
        }
    }

    private Errno Open(NullNode node, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out OpenIn request))
        {
            return Errno.Invalid;
        }
        if (((OpenFlags)request.Flags & OpenFlags.Truncate) != 0)
        {
            Resize(node, 0);
        }
        reply.Append<OpenOut>().Flags = OpenReplyFlags.KeepCache;
        return Errno.Ok;
    }

    private void Resize(NullNode node, ulong size)
    {
        if (_space is not null)
        {
            _space.Resize(node, (long)size);
            return;
        }
        lock (node.Gate)
        {
            node.Attributes.Size = size;
            node.Attributes.Blocks512 = (size + 511) / 512;
        }
    }

    private static Errno Write(NullNode node, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out WriteIn request) || request.Size > (uint)body.Rest.Length)
        {
            return Errno.Invalid;
        }
        lock (node.Gate)
        {
            ref NodeAttributes attributes = ref node.Attributes;
            attributes.Size = Math.Max(attributes.Size, request.Offset + request.Size);
            attributes.Blocks512 = (attributes.Size + 511) / 512;
        }
        reply.Append<WriteOut>().Size = request.Size;
        return Errno.Ok;
    }

    private Errno SetAttributes(NullNode node, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out SetAttributesIn request))
        {
            return Errno.Invalid;
        }
        ref AttributesOut answer = ref reply.Append<AttributesOut>();
        answer.Valid = Forever;
        if (Has(request.Valid, SetAttributesFlags.Size))
        {
            Resize(node, request.Size);
        }
        lock (node.Gate)
        {
            Apply(in request, ref node.Attributes);
            answer.Attributes = node.Attributes;
        }
        return Errno.Ok;
    }

    private static void Apply(in SetAttributesIn request, ref NodeAttributes attributes)
    {
        const uint permissions = 0xFFF;
        SetAttributesFlags valid = request.Valid;
        if (Has(valid, SetAttributesFlags.Mode))
        {
            attributes.Mode = (attributes.Mode & ~permissions) | (request.Mode & permissions);
        }
        attributes.Uid = Has(valid, SetAttributesFlags.Uid) ? request.Uid : attributes.Uid;
        attributes.Gid = Has(valid, SetAttributesFlags.Gid) ? request.Gid : attributes.Gid;
        if (Has(valid, SetAttributesFlags.AccessTime))
        {
            (attributes.AccessTime, attributes.AccessTimeNanoseconds) = Has(valid, SetAttributesFlags.AccessTimeNow)
                ? Now() : (request.AccessTime, request.AccessTimeNanoseconds);
        }
        if (Has(valid, SetAttributesFlags.ModifyTime))
        {
            (attributes.ModifyTime, attributes.ModifyTimeNanoseconds) = Has(valid, SetAttributesFlags.ModifyTimeNow)
                ? Now() : (request.ModifyTime, request.ModifyTimeNanoseconds);
        }
        (attributes.ChangeTime, attributes.ChangeTimeNanoseconds) = Has(valid, SetAttributesFlags.ChangeTime)
            ? (request.ChangeTime, request.ChangeTimeNanoseconds)
            : (attributes.Flags & IsKernels) == IsKernels
                ? (attributes.ChangeTime, attributes.ChangeTimeNanoseconds)
                : Now();
    }

    /// <summary>Enum.HasFlag makes garbage in a debug build.</summary>
    private static bool Has(SetAttributesFlags valid, SetAttributesFlags flag) => (valid & flag) != 0;

    private static (ulong Seconds, uint Nanoseconds) Now()
    {
        long ticks = DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks;
        return ((ulong)(ticks / TimeSpan.TicksPerSecond), (uint)(ticks % TimeSpan.TicksPerSecond * 100));
    }
}
