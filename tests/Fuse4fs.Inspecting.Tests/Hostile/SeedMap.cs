using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Finds the structures of a valid image. Written for images that mke2fs has just made: it trusts them, which
/// is why it must never be pointed at a mutant.</summary>
internal sealed class SeedMap
{
    private const int MostJournalBlocks = 48;
    private const int ExtentHeaderBytes = 12;

    private readonly byte[] _image;
    private readonly HashSet<(StructureKind, int)> _known = [];

    private SeedMap(byte[] image)
    {
        _image = image;
        Superblock super = MemoryMarshal.Read<Superblock>(image.AsSpan(Superblock.PrimaryOffsetBytes));
        Geometry = Geometry.Decode(in super, Superblock.PrimaryOffsetBytes, image.Length);
        JournalInode = super.JournalInode;
    }

    public Geometry Geometry { get; }

    /// <summary>s_journal_inum.</summary>
    public uint JournalInode { get; }

    public List<Structure> Structures { get; } = [];

    /// <summary>Maps an image.</summary>
    public static SeedMap Build(byte[] image)
    {
        var map = new SeedMap(image);
        map.Add(StructureKind.Superblock, Superblock.PrimaryOffsetBytes, Superblock.SizeBytes, 0, 0);
        for (uint group = 0; group < map.Geometry.GroupCount; group++)
        {
            map.AddGroup(new GroupNumber(group));
        }
        return map;
    }

    private int BlockBytes => Geometry.BlockSizeBytes;

    private void Add(StructureKind kind, long offset, int length, uint owner, int ownerOffset)
    {
        if (offset > 0 && offset + length <= _image.Length && _known.Add((kind, (int)offset)))
        {
            Structures.Add(new Structure(kind, (int)offset, length, owner, ownerOffset));
        }
    }

    private void AddGroup(GroupNumber group)
    {
        (FsBlock block, int inBlock) = Geometry.DescriptorOf(group);
        int offset = (int)(block.Value * (ulong)BlockBytes) + inBlock;
        Add(StructureKind.GroupDescriptor, offset, Geometry.DescriptorSizeBytes, group.Value, 0);
        Add(StructureKind.Bitmap, (long)Word(offset) * BlockBytes, BlockBytes, 0, 0);
        Add(StructureKind.Bitmap, (long)Word(offset + 4) * BlockBytes, BlockBytes, 0, 0);
        long table = (long)Word(offset + 8) * BlockBytes;
        for (uint i = 0; i < Geometry.InodesPerGroup; i++)
        {
            uint number = (group.Value * Geometry.InodesPerGroup) + i + 1;
            long inode = table + ((long)i * Geometry.InodeSizeBytes);
            if (inode + Geometry.InodeSizeBytes <= _image.Length && Half((int)inode) != 0)
            {
                AddInode(number, (int)inode);
            }
        }
    }

    private void AddInode(uint number, int offset)
    {
        Add(StructureKind.Inode, offset, Geometry.InodeSizeBytes, number, offset);
        uint flags = Word(offset + 0x20);
        uint xattrs = Word(offset + 0x68);
        if (xattrs != 0)
        {
            Add(StructureKind.XattrBlock, (long)xattrs * BlockBytes, BlockBytes, number, offset);
        }
        var kind = (FileKind)(Half(offset) & (int)FileKind.Mask);
        bool hasBlocks = kind is FileKind.Regular or FileKind.Directory
            || (kind == FileKind.Symlink && Word(offset + 0x1C) != 0);
        if (!hasBlocks || ((InodeFlags)flags).HasFlag(InodeFlags.InlineData))
        {
            return;
        }
        uint fileBlock = 0;
        if (((InodeFlags)flags).HasFlag(InodeFlags.Extents))
        {
            AddExtents(number, offset, offset + 0x28, ref fileBlock);
        }
        else
        {
            AddIndirect(number, offset, ref fileBlock);
        }
    }

    private void AddExtents(uint number, int inode, int header, ref uint fileBlock)
    {
        int count = Half(header + 2);
        bool isLeaf = Half(header + 6) == 0;
        for (int i = 0; i < count; i++)
        {
            int entry = header + ExtentHeaderBytes + (i * 12);
            if (!isLeaf)
            {
                int child = (int)(Word(entry + 4) * (uint)BlockBytes);
                Add(StructureKind.ExtentBlock, child, BlockBytes, number, inode);
                AddExtents(number, inode, child, ref fileBlock);
                continue;
            }
            int length = Half(entry + 4) & 0x7FFF;
            for (int block = 0; block < length; block++)
            {
                AddContents(number, inode, Word(entry + 8) + (uint)block, ref fileBlock);
            }
        }
    }

    private void AddIndirect(uint number, int inode, ref uint fileBlock)
    {
        for (int i = 0; i < 12; i++)
        {
            AddContents(number, inode, Word(inode + 0x28 + (i * 4)), ref fileBlock);
        }
        for (int depth = 1; depth <= 3; depth++)
        {
            AddIndirectBlock(number, inode, Word(inode + 0x28 + ((11 + depth) * 4)), depth, ref fileBlock);
        }
    }

    private void AddIndirectBlock(uint number, int inode, uint block, int depth, ref uint fileBlock)
    {
        if (block == 0)
        {
            return;
        }
        int offset = (int)(block * (uint)BlockBytes);
        Add(StructureKind.IndirectBlock, offset, BlockBytes, number, inode);
        for (int i = 0; i < BlockBytes / 4; i++)
        {
            uint next = Word(offset + (i * 4));
            if (depth > 1)
            {
                AddIndirectBlock(number, inode, next, depth - 1, ref fileBlock);
            }
            else if (next != 0)
            {
                AddContents(number, inode, next, ref fileBlock);
            }
        }
    }

    private void AddContents(uint number, int inode, uint block, ref uint fileBlock)
    {
        long offset = (long)block * BlockBytes;
        uint index = fileBlock++;
        var flags = (InodeFlags)Word(inode + 0x20);
        var kind = (FileKind)(Half(inode) & (int)FileKind.Mask);
        if (block == 0)
        {
            return;
        }
        if (number == JournalInode)
        {
            if (index < MostJournalBlocks)
            {
                StructureKind log = index == 0 ? StructureKind.JournalSuperblock : StructureKind.JournalBlock;
                Add(log, offset, BlockBytes, number, inode);
            }
        }
        else if (kind == FileKind.Directory)
        {
            bool isIndex = flags.HasFlag(InodeFlags.HashIndexed) && IsIndexBlock((int)offset, index);
            StructureKind part = isIndex ? StructureKind.DirectoryIndex : StructureKind.DirectoryLeaf;
            Add(part, offset, BlockBytes, number, inode);
        }
        else if (flags.HasFlag(InodeFlags.XattrValue))
        {
            Add(StructureKind.XattrValue, offset, BlockBytes, number, inode);
        }
    }

    /// <summary>The root is the first block; an inner node looks like one unused record over the whole block.</summary>
    private bool IsIndexBlock(int offset, uint index) =>
        index == 0 || (Word(offset) == 0 && Half(offset + 4) == (BlockBytes == 65536 ? 0 : BlockBytes));

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(offset));

    private ushort Half(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_image.AsSpan(offset));
}
