using System.Runtime.CompilerServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>READDIRPLUS: a listing that looks up every name at once. First the names, as the engine lists them under
/// the directory's lock, and with each the inode is retained, so that its number cannot come to mean another file; then,
/// without the lock, the attributes of each. An inode that cannot be read stays a bare name: the listing goes on, and
/// whoever asks for that one file gets its error.</summary>
internal static unsafe class ReadDirectoryPlusHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber directory))
        {
            return Errno.Stale;
        }
        bool mayCacheNames = LookupHandler.MayCacheNames(server, directory);
        byte* start = reply.FreePointer;
        var sink = new PlusSink(server, new DirectoryListWriter(ref reply, request.Size));
        byte* done = start;
        try
        {
            Errno error = server.Volume.ReadDirectory(directory, request.Offset, ref sink);
            if (error == Errno.Ok)
            {
                for (byte* end = reply.FreePointer; done < end; done = Next(done))
                {
                    LookUp(server, ref *(DirectoryEntryPlus*)done, NameOf(done), mayCacheNames);
                }
            }
            return error;
        }
        catch
        {
            // The reply is not sent: the kernel learns of none of these.
            ReleaseAll(server, start, done, reply.FreePointer);
            throw;
        }
    }

    private static ReadOnlySpan<byte> NameOf(byte* entry) => new(
        entry + Unsafe.SizeOf<DirectoryEntryPlus>(), (int)((DirectoryEntryPlus*)entry)->Directory.NameLength);

    private static byte* Next(byte* entry) =>
        entry + ((Unsafe.SizeOf<DirectoryEntryPlus>() + NameOf(entry).Length + 7) & ~7);

    /// <summary>The inode was retained when it was listed; a bare name does not make the kernel know it.</summary>
    private static void LookUp(
        ServedVolume server, ref DirectoryEntryPlus plus, ReadOnlySpan<byte> name, bool mayCacheNames)
    {
        if (IsDot(name))
        {
            return;
        }
        var inode = new InodeNumber((uint)plus.Directory.Inode);
        if (TryRead(server, inode, out InodeAttributes attributes))
        {
            AttributeEncoder.Fill(server, ref plus.Entry, in attributes, mayCacheNames);
        }
        else
        {
            server.Release(inode);
        }
    }

    /// <summary>Gives back what was retained for a listing that fails.</summary>
    /// <param name="server">The mount.</param>
    /// <param name="entry">The first entry.</param>
    /// <param name="done">Up to here they were looked up: those without a node were released already.</param>
    /// <param name="end">Behind the last entry.</param>
    private static void ReleaseAll(ServedVolume server, byte* entry, byte* done, byte* end)
    {
        for (; entry < end; entry = Next(entry))
        {
            ref DirectoryEntryPlus plus = ref *(DirectoryEntryPlus*)entry;
            if (!IsDot(NameOf(entry)) && (entry >= done || plus.Entry.NodeId != 0))
            {
                server.Release(new InodeNumber((uint)plus.Directory.Inode));
            }
        }
    }

    /// <summary>"." and ".." are listed but never looked up: the kernel counts no lookup for them.</summary>
    private static bool IsDot(ReadOnlySpan<byte> name) => name is [(byte)'.'] or [(byte)'.', (byte)'.'];

    private static bool TryRead(ServedVolume server, InodeNumber number, out InodeAttributes attributes)
    {
        attributes = default;
        try
        {
            return server.Volume.GetAttributes(number, out attributes) == Errno.Ok;
        }
        catch (Ext4CorruptException damage)
        {
            server.Volume.Context.Events.Damage(damage, number);
        }
        catch (DeviceException failure)
        {
            server.Volume.Context.Events.DeviceFailed(failure);
        }
        return false;
    }

    /// <summary>Called under the directory's lock.</summary>
    private ref struct PlusSink(ServedVolume server, DirectoryListWriter list) : IDirectorySink
    {
        private DirectoryListWriter _list = list;

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
        {
            EntryOut unknown = default;
            if (!_list.TryAddPlus(in unknown, inode.Value, DirectoryTypes.Shown(type), name, nextCookie))
            {
                return false;
            }
            if (!IsDot(name))
            {
                server.Retain(inode);
            }
            return true;
        }
    }
}
