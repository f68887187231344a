using System.Globalization;
using System.Text;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Trees;

/// <summary>Captures a mounted tree through system calls; the same code for the kernel's mount and for ours.</summary>
public static class MountedTree
{
    /// <summary>Fields that FUSE does not carry: docs/differences.md.</summary>
    public static readonly string[] HiddenByFuse = ["attributes"];

    private const uint GetFlags = 0x80086601;
    private const uint GetVersion = 0x80087601;
    private const uint GetExtendedFlags = 0x801C581F;
    private const int XattrBytes = 1 << 16;

    /// <summary>Everything below a mount point. What cannot be read is recorded as its error number.</summary>
    public static TreeSnapshot Capture(string mountPoint)
    {
        var snapshot = new TreeSnapshot();
        var pending = new Queue<(HostPath Path, string Name)>();
        var linked = new Dictionary<ulong, NodeRecord>();
        var root = new HostPath(mountPoint);
        CaptureFileSystem(root, snapshot.At(TreeSnapshot.FileSystem));
        CaptureNode(root, snapshot.At("/"));
        pending.Enqueue((root, ""));
        while (pending.TryDequeue(out (HostPath Path, string Name) directory))
        {
            NodeRecord record = snapshot.At(directory.Name.Length == 0 ? "/" : directory.Name);
            int outcome = DirectoryReader.Read(directory.Path, out List<ListedName> names);
            record.Set("readdir", outcome);
            foreach (ListedName listed in names)
            {
                HostPath path = directory.Path.Child(listed.Name);
                string name = directory.Name + "/" + ByteText.Escape(listed.Name);
                NodeRecord node = snapshot.At(name);
                node.Set("entry-type", listed.Type);
                node.Set("entry-inode", (long)listed.Inode);
                if (CaptureNode(path, node, linked))
                {
                    pending.Enqueue((path, name));
                }
            }
        }
        return snapshot;
    }

    /// <summary>Everything about one file.</summary>
    /// <returns>Whether it is a directory.</returns>
    public static bool CaptureNode(HostPath path, NodeRecord node) => CaptureNode(path, node, linked: null);

    /// <summary>Of a file with many names, xattrs and contents are read by one of them only.</summary>
    private static bool CaptureNode(HostPath path, NodeRecord node, Dictionary<ulong, NodeRecord>? linked)
    {
        ArgumentNullException.ThrowIfNull(node);
        int outcome = Posix.Stat(path, out StatxRecord stat);
        if (outcome < 0)
        {
            node.Set("stat", outcome);
            return false;
        }
        CaptureAttributes(stat, node);
        if (linked is not null && stat.LinkCount > 1 && (stat.Mode & 0xF000) != 0x4000)
        {
            if (linked.TryGetValue(stat.Inode, out NodeRecord? other))
            {
                node.AddFrom(other);
                return false;
            }
            linked.Add(stat.Inode, node);
        }
        CaptureXattrs(path, node);
        switch (stat.Mode & 0xF000)
        {
            case 0x8000:
                CaptureOpened(path, node, (long)stat.SizeBytes);
                return false;
            case 0x4000:
                CaptureOpened(path, node, contentsBytes: -1);
                return true;
            case 0xA000:
                CaptureTarget(path, node);
                return false;
            default:
                return false;
        }
    }

    private static void CaptureAttributes(in StatxRecord stat, NodeRecord node)
    {
        node["mode"] = Convert.ToString(stat.Mode, 8);
        node.Set("inode", (long)stat.Inode);
        node.Set("links", stat.LinkCount);
        node.Set("user", stat.User);
        node.Set("group", stat.Group);
        node.Set("size", (long)stat.SizeBytes);
        node.Set("blocks", (long)stat.Blocks512);
        node.Set("block-size", stat.BlockSizeBytes);
        node["device"] = $"{stat.DeviceMajor}:{stat.DeviceMinor}";
        node["access-time"] = stat.AccessTime.ToString();
        node["modification-time"] = stat.ModificationTime.ToString();
        node["change-time"] = stat.ChangeTime.ToString();
        const uint birthTimeIsValid = 0x800;
        node["birth-time"] = (stat.Mask & birthTimeIsValid) == 0 ? "none" : stat.BirthTime.ToString();
        // The mount's own bits (mount root, automount) and those of the page cache are not the file's.
        const ulong fileAttributes = 0x10 | 0x20 | 0x4 | 0x40 | 0x800 | 0x100000;
        node["attributes"] = (stat.Attributes & fileAttributes).ToString("X", CultureInfo.InvariantCulture);
    }

    private static void CaptureXattrs(HostPath path, NodeRecord node)
    {
        byte[] list = new byte[XattrBytes];
        int length = Posix.ListXattr(path, list);
        if (length < 0)
        {
            node.Set("xattrs", length);
            return;
        }
        byte[] value = new byte[XattrBytes];
        foreach (string name in Encoding.Latin1.GetString(list, 0, length).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] key = Encoding.Latin1.GetBytes(name);
            int size = Posix.GetXattr(path, key, value);
            node["xattr " + ByteText.Escape(key)] = size < 0
                ? size.ToString(CultureInfo.InvariantCulture)
                : $"{size}={ContentHash.Describe(value.AsSpan(0, size))}";
        }
    }

    private static void CaptureTarget(HostPath path, NodeRecord node)
    {
        byte[] target = new byte[1 << 16];
        int length = Posix.ReadLink(path, target);
        node["target"] = length < 0
            ? length.ToString(CultureInfo.InvariantCulture)
            : ByteText.Escape(target.AsSpan(0, length));
    }

    private static void CaptureOpened(HostPath path, NodeRecord node, long contentsBytes)
    {
        int descriptor = Posix.Open(path, OpenMode.Read | OpenMode.NoFollow | OpenMode.NonBlocking);
        if (descriptor < 0)
        {
            node.Set("open", descriptor);
            return;
        }
        try
        {
            long number = 0;
            int outcome = Posix.Control(descriptor, GetFlags, ref number);
            node["flags"] = outcome < 0 ? $"{outcome}" : ((uint)number).ToString("X", CultureInfo.InvariantCulture);
            number = 0;
            outcome = Posix.Control(descriptor, GetVersion, ref number);
            node["generation"] = outcome < 0 ? $"{outcome}" : ((uint)number).ToString(CultureInfo.InvariantCulture);
            ExtendedFlags extended = default;
            outcome = Posix.Control(descriptor, GetExtendedFlags, ref extended);
            node["extended-flags"] = outcome < 0 ? $"{outcome}" : $"{extended.Flags:X} project {extended.Project}";
            if (contentsBytes >= 0)
            {
                node["ranges"] = DataRanges.Describe(offset => Posix.Seek(descriptor, offset, SeekFrom.Data),
                    offset => Posix.Seek(descriptor, offset, SeekFrom.Hole), contentsBytes);
                node["contents"] = ContentHash.Of(contentsBytes, node["ranges"],
                    (buffer, offset) => Posix.Read(descriptor, buffer, offset));
            }
        }
        finally
        {
            Posix.Close(descriptor);
        }
    }

    private static void CaptureFileSystem(HostPath root, NodeRecord record)
    {
        int outcome = Posix.StatFileSystem(root, out StatFileSystemRecord figures);
        if (outcome < 0)
        {
            record.Set("statfs", outcome);
            return;
        }
        record.Set("block-size", figures.BlockSizeBytes);
        record.Set("fragment-size", figures.FragmentSizeBytes);
        record.Set("blocks", (long)figures.Blocks);
        record.Set("free-blocks", (long)figures.FreeBlocks);
        record.Set("available-blocks", (long)figures.AvailableBlocks);
        record.Set("inodes", (long)figures.Inodes);
        record.Set("free-inodes", (long)figures.FreeInodes);
        record.Set("name-length", figures.NameLengthBytes);
    }
}
