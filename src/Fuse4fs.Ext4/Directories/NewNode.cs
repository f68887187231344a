using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What is to be created.</summary>
internal readonly ref struct NewNode(ushort mode, DeviceNumber device, ReadOnlySpan<byte> target)
{
    /// <summary>Kind and permission bits as asked for.</summary>
    public ushort Mode { get; } = mode;

    public DeviceNumber Device { get; } = device;

    /// <summary>What a symlink contains.</summary>
    public ReadOnlySpan<byte> Target { get; } = target;

    public FileKind Kind => (FileKind)(Mode & (int)FileKind.Mask);

    public bool IsDirectory => Kind == FileKind.Directory;
}
