using Fuse4fs.KernelTwin.Mappings;

namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>What the server has been told about an inode and has answered with success: later replies must agree.
/// </summary>
internal sealed class Told
{
    public WrittenRanges Written { get; } = new();

    /// <summary>The server has promised at least this size.</summary>
    public long Size { get; set; }

    /// <summary>Data was lost to an error that the caller heard of: sizes promise nothing any more.</summary>
    public bool LostData { get; set; }

    public Timestamp Mtime { get; set; }

    public Timestamp Ctime { get; set; }

    public uint Mode { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    /// <summary>Changes with each change of attributes, at its beginning and at its end.</summary>
    public int Version { get; set; }

    /// <summary>Changes of attributes that are not answered.</summary>
    public int Changing { get; set; }
}
