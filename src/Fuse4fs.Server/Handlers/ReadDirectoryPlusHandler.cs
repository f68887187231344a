using System.Runtime.CompilerServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Handlers;

/// <summary>READDIRPLUS: a listing that looks up every name at once. First the names, as the engine lists them under
/// the directory's lock; then, without it, the attributes of each. An inode that cannot be read stays a bare name: the
/// listing goes on, and whoever asks for that one file gets its error.</summary>
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
        byte* start = reply.FreePointer;
        var sink = new PlusSink(new DirectoryListWriter(ref reply, request.Size));
        Errno error = server.Volume.ReadDirectory(directory, request.Offset, ref sink);
        if (error == Errno.Ok)
        {
            LookUp(server, start, reply.FreePointer, LookupHandler.MayCacheNames(server, directory));
        }
        return error;
    }

    private static void LookUp(ServedVolume server, byte* entry, byte* end, bool mayCacheNames)
    {
        while (entry < end)
        {
            ref DirectoryEntryPlus plus = ref *(DirectoryEntryPlus*)entry;
            int length = Unsafe.SizeOf<DirectoryEntryPlus>() + (int)plus.Directory.NameLength;
            var name = new ReadOnlySpan<byte>(entry + Unsafe.SizeOf<DirectoryEntryPlus>(), (int)plus.Directory.NameLength);
            if (!IsDot(name) && TryRead(server, (uint)plus.Directory.Inode, out InodeAttributes attributes))
            {
                AttributeEncoder.Fill(server, ref plus.Entry, in attributes, mayCacheNames);
                server.Retain(attributes.Number);
            }
            entry += (length + 7) & ~7;
        }
    }

    /// <summary>"." and ".." are listed but never looked up: the kernel counts no lookup for them.</summary>
    private static bool IsDot(ReadOnlySpan<byte> name) => name is [(byte)'.'] or [(byte)'.', (byte)'.'];

    private static bool TryRead(ServedVolume server, uint number, out InodeAttributes attributes)
    {
        try
        {
            return server.Volume.GetAttributes(new InodeNumber(number), out attributes) == Errno.Ok;
        }
        catch (Exception failure) when (failure is Ext4CorruptException or DeviceException)
        {
            ServerLog.ListedInodeFailed(server.Log, number, failure);
            attributes = default;
            return false;
        }
    }

    private ref struct PlusSink(DirectoryListWriter list) : IDirectorySink
    {
        private DirectoryListWriter _list = list;

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
        {
            EntryOut unknown = default;
            return _list.TryAddPlus(in unknown, inode.Value, DirectoryTypes.Shown(type), name, nextCookie);
        }
    }
}
