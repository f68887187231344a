using System.Globalization;
using System.Text;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Trees;

/// <summary>Captures a tree through the engine, without FUSE.</summary>
public static class VolumeTree
{
    /// <summary>Fields that belong to a mount and its ioctls.</summary>
    public static readonly string[] Unknown = ["block-size", "attributes", "extended-flags"];

    private const uint VisibleFlags = 0x705B_DFFF;
    private const int XattrBytes = 1 << 17;

    /// <summary>Everything in a volume.</summary>
    public static TreeSnapshot Capture(Volume volume)
    {
        ArgumentNullException.ThrowIfNull(volume);
        var snapshot = new TreeSnapshot();
        CaptureFileSystem(volume, snapshot.At(TreeSnapshot.FileSystem));
        var pending = new Queue<(InodeNumber Inode, string Name)>();
        var linked = new Dictionary<InodeNumber, NodeRecord>();
        CaptureNode(volume, InodeNumber.Root, snapshot.At("/"), linked);
        pending.Enqueue((InodeNumber.Root, ""));
        while (pending.TryDequeue(out (InodeNumber Inode, string Name) directory))
        {
            NodeRecord record = snapshot.At(directory.Name.Length == 0 ? "/" : directory.Name);
            List<(byte[] Name, InodeNumber Inode, byte Type)> entries = List(volume, directory.Inode, out Errno error);
            record.Set("readdir", -(long)error);
            foreach ((byte[] bytes, InodeNumber listed, byte type) in entries)
            {
                string name = directory.Name + "/" + ByteText.Escape(bytes);
                NodeRecord node = snapshot.At(name);
                node.Set("entry-type", type);
                node.Set("entry-inode", listed.Value);
                Errno lookup = volume.Lookup(directory.Inode, bytes, out InodeNumber found);
                if (lookup != Errno.Ok)
                {
                    node.Set("stat", -(long)lookup);
                }
                else if (CaptureNode(volume, found, node, linked))
                {
                    pending.Enqueue((found, name));
                }
            }
        }
        return snapshot;
    }

    private static List<(byte[] Name, InodeNumber Inode, byte Type)> List(
        Volume volume, InodeNumber directory, out Errno error)
    {
        var sink = new EntrySink();
        ulong cookie = 0;
        int before;
        do
        {
            before = sink.Seen;
            sink.Room = 50;
            error = volume.ReadDirectory(directory, cookie, ref sink);
            cookie = sink.NextCookie;
        }
        while (error == Errno.Ok && sink.Seen > before);
        return sink.Entries;
    }

    /// <summary>Of a file with many names, xattrs and contents are read by one of them only.</summary>
    private static bool CaptureNode(
        Volume volume, InodeNumber number, NodeRecord node, Dictionary<InodeNumber, NodeRecord> linked)
    {
        Errno error = volume.GetAttributes(number, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            node.Set("stat", -(long)error);
            return false;
        }
        CaptureAttributes(attributes, node);
        if (attributes.LinkCount > 1 && (attributes.Mode & 0xF000) != 0x4000)
        {
            if (linked.TryGetValue(number, out NodeRecord? other))
            {
                node.AddFrom(other);
                return false;
            }
            linked.Add(number, node);
        }
        CaptureXattrs(volume, number, node);
        switch (attributes.Mode & 0xF000)
        {
            case 0x8000:
                CaptureContents(volume, attributes, node);
                return false;
            case 0x4000:
                CaptureFlags(attributes, node);
                return true;
            case 0xA000:
                byte[] target = new byte[1 << 16];
                error = volume.ReadLink(number, target, out int length);
                node["target"] = error == Errno.Ok ? ByteText.Escape(target.AsSpan(0, length)) : Error(error);
                return false;
            default:
                return false;
        }
    }

    private static void CaptureAttributes(in InodeAttributes attributes, NodeRecord node)
    {
        node["mode"] = Convert.ToString(attributes.Mode, 8);
        node.Set("inode", attributes.Number.Value);
        node.Set("links", attributes.LinkCount);
        node.Set("user", attributes.UserId);
        node.Set("group", attributes.GroupId);
        node.Set("size", attributes.SizeBytes);
        node.Set("blocks", (long)attributes.Sectors);
        node["device"] = $"{attributes.Device.Major}:{attributes.Device.Minor}";
        node["access-time"] = Time(attributes.AccessTime);
        node["modification-time"] = Time(attributes.ModificationTime);
        node["change-time"] = Time(attributes.ChangeTime);
        node["birth-time"] = attributes.HasBirthTime ? Time(attributes.BirthTime) : "none";
    }

    private static void CaptureFlags(in InodeAttributes attributes, NodeRecord node)
    {
        node["flags"] = ((uint)attributes.Flags & VisibleFlags).ToString("X", CultureInfo.InvariantCulture);
        node["generation"] = attributes.Generation.ToString(CultureInfo.InvariantCulture);
    }

    private static void CaptureContents(Volume volume, InodeAttributes attributes, NodeRecord node)
    {
        Errno error = volume.Read(attributes.Number, 0, default, out _);
        if (error != Errno.Ok)
        {
            node["open"] = Error(error);
            return;
        }
        CaptureFlags(attributes, node);
        node["ranges"] = DataRanges.Describe(offset => Seek(volume, attributes.Number, offset, SeekKind.Data),
            offset => Seek(volume, attributes.Number, offset, SeekKind.Hole), attributes.SizeBytes);
        node["contents"] = ContentHash.Of(attributes.SizeBytes, node["ranges"], (buffer, offset) =>
        {
            Errno outcome = volume.Read(attributes.Number, offset, buffer, out int count);
            return outcome == Errno.Ok ? count : -(long)outcome;
        });
    }

    private static long Seek(Volume volume, InodeNumber number, long offset, SeekKind kind)
    {
        Errno error = volume.Seek(number, offset, kind, out long result);
        return error == Errno.Ok ? result : -(long)error;
    }

    private static void CaptureXattrs(Volume volume, InodeNumber number, NodeRecord node)
    {
        byte[] list = new byte[XattrBytes];
        Errno error = volume.ListXattr(number, includeTrusted: true, list, out int length);
        if (error != Errno.Ok)
        {
            node["xattrs"] = Error(error);
            return;
        }
        byte[] value = new byte[XattrBytes];
        string names = Encoding.Latin1.GetString(list, 0, length);
        foreach (string name in names.Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] key = Encoding.Latin1.GetBytes(name);
            error = volume.GetXattr(number, key, value, out int size);
            node["xattr " + ByteText.Escape(key)] =
                error == Errno.Ok ? $"{size}={ContentHash.Describe(value.AsSpan(0, size))}" : Error(error);
        }
    }

    private static void CaptureFileSystem(Volume volume, NodeRecord record)
    {
        VolumeStatistics figures = volume.Statistics();
        record.Set("block-size", figures.BlockSizeBytes);
        record.Set("fragment-size", figures.BlockSizeBytes);
        record.Set("blocks", (long)figures.Blocks);
        record.Set("free-blocks", (long)figures.FreeBlocks);
        record.Set("available-blocks", (long)figures.AvailableBlocks);
        record.Set("inodes", figures.Inodes);
        record.Set("free-inodes", figures.FreeInodes);
        record.Set("name-length", figures.MaximumNameBytes);
    }

    private static string Error(Errno error) => (-(long)error).ToString(CultureInfo.InvariantCulture);

    private static string Time(Timestamp time) => new StatxTime(time.Seconds, time.Nanoseconds).ToString();
}
