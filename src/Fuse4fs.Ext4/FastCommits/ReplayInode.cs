using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>An inode during a replay: its record, its map, and for a directory its entries.</summary>
internal sealed class ReplayInode(InodeNumber number, FsBlock tableBlock, int offsetBytes, byte[] record)
{
    public InodeNumber Number { get; } = number;

    /// <summary>Block of the inode table.</summary>
    public FsBlock TableBlock { get; } = tableBlock;

    /// <summary>Place in <see cref="TableBlock"/>.</summary>
    public int OffsetBytes { get; } = offsetBytes;

    /// <summary>The whole record, a copy.</summary>
    public byte[] Record { get; } = record;

    /// <summary>Where its blocks are now.</summary>
    public ExtentList Map { get; } = new();

    /// <summary>Blocks it had before the replay: runs of data, and the nodes of its tree.</summary>
    public List<(FsBlock First, uint Count)> OldBlocks { get; } = [];

    /// <summary>Nodes of the tree it had before, to be used again.</summary>
    public List<FsBlock> OldNodes { get; } = [];

    /// <summary>Its entries; null until somebody asks for them.</summary>
    public ReplayDirectory? Directory { get; set; }

    /// <summary>It was in use before the replay.</summary>
    public bool WasInUse { get; set; }

    /// <summary>It was without links before the replay: the orphan list has it.</summary>
    public bool WasOrphan { get; set; }

    /// <summary>It is in use.</summary>
    public bool IsInUse { get; set; }

    /// <summary>This use of the number began within the fast commits.</summary>
    public bool IsNew { get; set; }

    /// <summary>A new inode that some directory entry refers to.</summary>
    public bool IsNamed { get; set; }

    /// <summary>The record has to be written.</summary>
    public bool IsChanged { get; set; }

    /// <summary>The map has to be written.</summary>
    public bool IsMapChanged { get; set; }

    /// <summary>The device block of a directory's block.</summary>
    /// <exception cref="Ext4CorruptException">There is none.</exception>
    public FsBlock BlockAt(uint fileBlock)
    {
        FsBlock? block = Map.Find(fileBlock);
        if (block is null)
        {
            Ext4CorruptException.Throw(Corruption.DirectoryHole, $"directory {Number}: no block {fileBlock}");
        }
        return block.Value;
    }

    public ref InodeRecord Fields => ref Disk.At<InodeRecord>(Record.AsSpan(), 0);

    public InodeFlags Flags
    {
        get => (InodeFlags)(uint)Fields.Flags;
        set => Fields.Flags = (uint)value;
    }

    public FileKind Kind => (FileKind)(Fields.Mode & (int)FileKind.Mask);

    public bool IsDirectory => Kind == FileKind.Directory;

    public bool HasExtents => (Flags & (InodeFlags.Extents | InodeFlags.InlineData)) == InodeFlags.Extents;

    /// <summary>Of a directory; sizes of files are taken over as they are.</summary>
    public ulong SizeBytes
    {
        get => Fields.SizeLow | ((ulong)Fields.SizeHigh << 32);
        set
        {
            Fields.SizeLow = (uint)(value & uint.MaxValue);
            Fields.SizeHigh = (uint)(value >> 32);
        }
    }

    public FsBlock XattrBlock
    {
        get => new(Fields.XattrBlockLow | ((ulong)Fields.XattrBlockHigh << 32));
        set
        {
            Fields.XattrBlockLow = (uint)(value.Value & uint.MaxValue);
            Fields.XattrBlockHigh = (ushort)(value.Value >> 32);
        }
    }
}
