using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;

namespace Fuse4fs.Server.Iomap;

/// <summary>What is remembered of a file whose mappings the kernel may keep, until the kernel forgets the file.</summary>
internal sealed class IomapFile(IomapConnection connection, InodeNumber inode)
{
    public InodeNumber Inode { get; } = inode;

    /// <summary>What was written, and is not taken in yet.</summary>
    public CompletionQueue Completions { get; } = new();

    /// <summary>What could not be taken in.</summary>
    public WriteErrors Errors { get; } = new();

    /// <summary>What the kernel keeps, and who may change that.</summary>
    public FileUploads Uploads { get; } = new(connection, new FileIdentity(NodeIds.OfInode(inode), inode.Value));
}
