using System.Text;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The entries of a directory during a replay: in a table, and in its blocks as long as there is
/// room.</summary>
/// <remarks>An entry that does not fit where it belongs makes the directory be written anew at the end.</remarks>
internal sealed class ReplayDirectory
{
    private readonly ReplayInode _inode;
    private readonly ReplayBlocks _blocks;
    private readonly DirectoryFormat _format;
    private readonly Dictionary<string, DirectoryEntryRecord> _entries = [];

    /// <summary>Reads the entries of a directory, or starts an empty one.</summary>
    /// <param name="inode">Of a directory with an extent map.</param>
    /// <param name="blocks">Where its blocks are.</param>
    /// <param name="format">Of the volume.</param>
    /// <param name="parent">What ".." of a new directory refers to.</param>
    /// <exception cref="Ext4CorruptException">A block is damaged.</exception>
    public ReplayDirectory(ReplayInode inode, ReplayBlocks blocks, DirectoryFormat format, InodeNumber parent)
    {
        _inode = inode;
        _blocks = blocks;
        _format = format;
        Parent = parent;
        IsIndexed = format.HasIndex && (inode.Flags & InodeFlags.HashIndexed) != 0;
        if (inode.IsNew || inode.Map.Extents.Count == 0)
        {
            NeedsRewrite = true;
            return;
        }
        LoadBlocks();
    }

    /// <summary>What ".." refers to.</summary>
    public InodeNumber Parent { get; private set; }

    /// <summary>It has an index, and its blocks are where that says.</summary>
    public bool IsIndexed { get; }

    /// <summary>Blocks and table differ: everything has to be written anew.</summary>
    public bool NeedsRewrite { get; private set; }

    /// <summary>File blocks changed in place: their checksums have to be renewed.</summary>
    public HashSet<uint> ChangedBlocks { get; } = [];

    /// <summary>Names and what they refer to, without "." and "..".</summary>
    public IReadOnlyCollection<DirectoryEntryRecord> Entries => _entries.Values;

    /// <summary>Subdirectories, as far as records tell the type.</summary>
    public int SubdirectoryCount => _entries.Values.Count(entry => entry.Type == DirectoryFileType.Directory);

    /// <summary>What a name refers to; None when it is not there.</summary>
    public InodeNumber Find(ReadOnlySpan<byte> name) =>
        _entries.TryGetValue(Key(name), out DirectoryEntryRecord? entry) ? entry.Inode : InodeNumber.None;

    /// <summary>Takes a name away.</summary>
    public void Remove(ReadOnlySpan<byte> name)
    {
        if (_entries.Remove(Key(name), out DirectoryEntryRecord? entry) && !NeedsRewrite)
        {
            Span<byte> area = Area(entry.FileBlock);
            NeedsRewrite = !DirectoryArea.TryRemove(area, _format.Layout(_inode), name);
            ChangedBlocks.Add(entry.FileBlock);
        }
    }

    /// <summary>Adds a name that is not there.</summary>
    public void Add(ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type)
    {
        var entry = new DirectoryEntryRecord(name.ToArray(), inode, type);
        _entries.Add(Key(name), entry);
        if (NeedsRewrite)
        {
            return;
        }
        if (IsIndexed)
        {
            NeedsRewrite = !TryInsert(DirectoryIndex.FindLeaf(_inode, _format, ReadBlock, name), entry);
            return;
        }
        // Without an index only the last block is tried: that is where the kernel left room, if anywhere.
        // Its blocks may have been taken away meanwhile.
        NeedsRewrite = _inode.Map.Extents.Count == 0 || !TryInsert((uint)(_inode.Map.EndFileBlock - 1), entry);
    }

    private static string Key(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name);

    private bool TryInsert(uint fileBlock, DirectoryEntryRecord entry)
    {
        entry.FileBlock = fileBlock;
        if (!DirectoryArea.TryInsert(Area(fileBlock), _format.Layout(_inode), entry))
        {
            return false;
        }
        ChangedBlocks.Add(fileBlock);
        return true;
    }

    private Span<byte> Area(uint fileBlock) => _blocks.Change(_inode.BlockAt(fileBlock)).AsSpan(0, _format.LeafBytes);

    private byte[] ReadBlock(uint fileBlock) => _blocks.Read(_inode.BlockAt(fileBlock));

    /// <summary>Bounded by the volume: a map that names more blocks than there are is damaged.</summary>
    private void LoadBlocks()
    {
        ulong count = 0;
        ulong end = _inode.SizeBytes / (uint)_format.BlockSizeBytes;
        foreach (Extent extent in _inode.Map.Extents)
        {
            count += extent.LengthBlocks;
            if (count > _format.VolumeBlocks || extent.EndFileBlock > end)
            {
                Ext4CorruptException.Throw(Corruption.InodeSize, $"directory {_inode.Number}: blocks behind its end");
            }
            for (uint i = 0; i < extent.LengthBlocks; i++)
            {
                LoadBlock(extent.FirstFileBlock + i, extent.Start + i);
            }
        }
    }

    private void LoadBlock(uint fileBlock, FsBlock block)
    {
        byte[] bytes = _blocks.Read(block);
        DirectoryLayout layout = _format.Layout(_inode);
        if (IsIndexed && fileBlock > 0 && DirectoryIndex.IsNode(bytes, layout))
        {
            return;
        }
        Span<byte> area = bytes.AsSpan(0, IsIndexed && fileBlock == 0 ? bytes.Length : _format.LeafBytes);
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed)
            {
                LoadRecord(record, fileBlock);
            }
        }
    }

    private void LoadRecord(DirectoryRecord record, uint fileBlock)
    {
        if (record.IsDot)
        {
            Parent = record.Name.Length == 2 ? record.Inode : Parent;
            return;
        }
        var entry = new DirectoryEntryRecord(record.Name.ToArray(), record.Inode, record.FileType)
        {
            FileBlock = fileBlock,
        };
        if (!_entries.TryAdd(Key(record.Name), entry))
        {
            Ext4CorruptException.Throw(Corruption.DirectoryName, $"directory {_inode.Number}: a name twice");
        }
    }
}
