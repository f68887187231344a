using System.Globalization;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Records an inode as the engine shows it, in the words of <see cref="MountedTree"/>.</summary>
internal static class InodeCapture
{
    private const uint VisibleFlags = 0x705BDFFF;

    /// <summary>The fields that do not depend on names and attributes.</summary>
    public static NodeRecord Capture(Volume volume, uint number)
    {
        var node = new NodeRecord();
        var inode = new InodeNumber(number);
        Errno error = volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            node.Set("stat", -(int)error);
            return node;
        }
        node["mode"] = Convert.ToString(attributes.Mode, 8);
        node.Set("links", attributes.LinkCount);
        node.Set("user", attributes.UserId);
        node.Set("group", attributes.GroupId);
        node.Set("size", attributes.SizeBytes);
        node.Set("blocks", (long)attributes.Sectors);
        node["device"] = $"{attributes.Device.Major}:{attributes.Device.Minor}";
        node["access-time"] = Text(attributes.AccessTime);
        node["modification-time"] = Text(attributes.ModificationTime);
        node["change-time"] = Text(attributes.ChangeTime);
        node["birth-time"] = attributes.HasBirthTime ? Text(attributes.BirthTime) : "none";
        if (attributes.Kind is FileKind.Regular or FileKind.Directory)
        {
            node["generation"] = attributes.Generation.ToString(CultureInfo.InvariantCulture);
            node["flags"] = ((uint)attributes.Flags & VisibleFlags).ToString("X", CultureInfo.InvariantCulture);
        }
        if (attributes.Kind == FileKind.Symlink)
        {
            CaptureTarget(volume, inode, node);
        }
        else if (attributes.Kind == FileKind.Regular)
        {
            CaptureContents(volume, inode, attributes.SizeBytes, node);
        }
        return node;
    }

    private static void CaptureTarget(Volume volume, InodeNumber inode, NodeRecord node)
    {
        byte[] target = new byte[4096];
        Errno error = volume.ReadLink(inode, target, out int length);
        node["target"] = error == Errno.Ok ? ByteText.Escape(target.AsSpan(0, length)) : $"{-(int)error}";
    }

    private static void CaptureContents(Volume volume, InodeNumber inode, long sizeBytes, NodeRecord node)
    {
        if (volume.Read(inode, 0, new byte[1], out _) == Errno.NoKey)
        {
            node.Set("open", -(int)Errno.NoKey);
            return;
        }
        node["ranges"] = DataRanges.Describe(offset => Seek(volume, inode, offset, SeekKind.Data),
            offset => Seek(volume, inode, offset, SeekKind.Hole), sizeBytes);
        node["contents"] = ContentHash.Of(sizeBytes, node["ranges"], (buffer, offset) =>
        {
            Errno error = volume.Read(inode, offset, buffer, out int count);
            return error == Errno.Ok ? count : -(int)error;
        });
    }

    private static long Seek(Volume volume, InodeNumber inode, long offset, SeekKind kind)
    {
        Errno error = volume.Seek(inode, offset, kind, out long result);
        return error == Errno.Ok ? result : -(int)error;
    }

    private static string Text(Timestamp time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.Seconds}.{time.Nanoseconds:D9}");
}
