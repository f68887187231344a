using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Everything that reads the directories of a volume, put together.</summary>
internal sealed class DirectoryReader
{
    private readonly DirectoryFinder _finder;
    private readonly DirectoryLister _lister;

    public DirectoryReader(VolumeContext context, FileMap maps, XattrReader xattrs)
    {
        Settings = new DirectorySettings(context.Geometry, context.CopySuperblock());
        Blocks = new DirectoryBlocks(context, maps);
        Tree = new HashTree(Blocks, Settings);
        Inline = new InlineDirectories(xattrs);
        _finder = new DirectoryFinder(context, Blocks, Tree, Inline, Settings);
        _lister = new DirectoryLister(context, Blocks, Tree, Inline, _finder, Settings);
    }

    public DirectorySettings Settings { get; }

    public DirectoryBlocks Blocks { get; }

    public HashTree Tree { get; }

    public InlineDirectories Inline { get; }

    /// <inheritdoc cref="DirectoryFinder.Find"/>
    public Errno Find(Inode directory, ReadOnlySpan<byte> name, out EntryPlace place) =>
        _finder.Find(directory, name, out place);

    /// <inheritdoc cref="DirectoryLister.List"/>
    public void List<TSink>(Inode directory, ulong cookie, ref TSink sink)
        where TSink : IDirectorySink, allows ref struct =>
        _lister.List(directory, cookie, ref sink);
}
