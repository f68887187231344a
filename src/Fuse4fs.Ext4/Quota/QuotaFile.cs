using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Quota;

/// <summary>A quota file: a tree over the 32 bits of an id, eight a level, whose leaves hold records. Its blocks are of
/// 1 KiB whatever the volume's are, and are journaled like all metadata.</summary>
/// <remarks>Format "vfsv1" of the quota tools. Files: QuotaFile (reading), .Adding (new records).</remarks>
internal sealed partial class QuotaFile
{
    private const int BlockShift = 10;
    private const int BlockBytes = 1 << BlockShift;
    private const int NumbersPerBlock = BlockBytes / 4;
    private const uint RootBlock = 1;
    private const int Levels = 4;
    private const int BitsPerLevel = 8;
    private const int RecordsPerLeaf = (BlockBytes - QuotaLeafHeader.SizeBytes) / QuotaRecord.SizeBytes;
    private const int KibibyteShift = 10;

    private readonly VolumeContext _context;
    private readonly FileMap _map;
    private readonly Inode _inode;
    private readonly QuotaKind _kind;

    public QuotaFile(VolumeContext context, FileMap map, Inode inode, QuotaKind kind)
    {
        _context = context;
        _map = map;
        _inode = inode;
        _kind = kind;
    }

    /// <summary>Seconds above the soft limits before they become hard.</summary>
    public (uint Space, uint Inodes) GraceSeconds { get; private set; }

    /// <summary>Reads and checks the whole file.</summary>
    /// <returns>The records by id.</returns>
    /// <exception cref="Ext4CorruptException">It is no quota file, or damaged.</exception>
    public Dictionary<uint, QuotaUsage> ReadAll()
    {
        QuotaFileHeader header = ReadHeader();
        GraceSeconds = (header.SpaceGraceSeconds, header.InodeGraceSeconds);
        var found = new Dictionary<uint, QuotaUsage>();
        var seen = new HashSet<uint>();
        var pending = new Stack<(uint Block, int Level, uint Prefix)>();
        pending.Push((RootBlock, 0, 0));
        while (pending.TryPop(out (uint Block, int Level, uint Prefix) node))
        {
            if (!seen.Add(node.Block))
            {
                throw Damaged($"block {node.Block} has two parents");
            }
            ReadNode(node, header.BlockCount, pending, found);
        }
        return found;
    }

    /// <summary>Holds the block of a record, to be changed in the handle. May read.</summary>
    /// <param name="handle">Has a credit for it.</param>
    /// <param name="usage">Whose leaf and offset, which never change, are looked at.</param>
    /// <param name="offset">Of the record in the block.</param>
    public BlockLease Update(Handle handle, QuotaUsage usage, out int offset)
    {
        (FsBlock block, int start) = Locate(usage.Leaf);
        offset = start + usage.Offset;
        return handle.Update(block);
    }

    /// <summary>Writes what has changed of a record: usage and deadlines.</summary>
    public static void Store(BlockLease lease, int offset, uint id, QuotaUsage usage) =>
        Encode(id, usage, ref Disk.At<QuotaRecord>(lease.Bytes, offset));

    private void ReadNode(
        (uint Block, int Level, uint Prefix) node, uint blockCount, Stack<(uint Block, int Level, uint Prefix)> pending,
        Dictionary<uint, QuotaUsage> found)
    {
        using BlockLease lease = Open(node.Block, out Span<byte> bytes);
        for (int i = 0; i < NumbersPerBlock; i++)
        {
            uint child = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * 4)..]);
            if (child == 0)
            {
                continue;
            }
            if (child <= RootBlock || child >= blockCount)
            {
                throw Damaged($"block {node.Block} names block {child} of {blockCount}");
            }
            uint id = (node.Prefix << BitsPerLevel) | (uint)i;
            if (node.Level < Levels - 1)
            {
                pending.Push((child, node.Level + 1, id));
            }
            else
            {
                found.Add(id, ReadRecord(child, id));
            }
        }
    }

    private QuotaUsage ReadRecord(uint leaf, uint id)
    {
        using BlockLease lease = Open(leaf, out Span<byte> bytes);
        for (int i = 0; i < RecordsPerLeaf; i++)
        {
            int offset = QuotaLeafHeader.SizeBytes + (i * QuotaRecord.SizeBytes);
            ref readonly QuotaRecord record = ref Disk.At<QuotaRecord>(bytes, offset);
            if (record.Id == id && !IsUnused(bytes.Slice(offset, QuotaRecord.SizeBytes)))
            {
                return Decode(in record, leaf, offset);
            }
        }
        throw Damaged($"leaf {leaf} has no record of id {id}");
    }

    private static QuotaUsage Decode(in QuotaRecord record, uint leaf, int offset) => new(leaf, offset)
    {
        SpaceBytes = record.SpaceBytes,
        Inodes = record.Inodes,
        SpaceHardLimit = Saturate(record.SpaceHardLimit),
        SpaceSoftLimit = Saturate(record.SpaceSoftLimit),
        InodeHardLimit = record.InodeHardLimit,
        InodeSoftLimit = record.InodeSoftLimit,
        SpaceDeadline = record.SpaceDeadline,
        InodeDeadline = record.InodeDeadline == QuotaRecord.NotUnused ? 0 : (ulong)record.InodeDeadline,
    };

    private static ulong Saturate(ulong kibibytes) =>
        kibibytes > ulong.MaxValue >> KibibyteShift ? ulong.MaxValue : kibibytes << KibibyteShift;

    private static void Encode(uint id, QuotaUsage usage, ref QuotaRecord record)
    {
        record.Id = id;
        record.SpaceBytes = usage.SpaceBytes;
        record.Inodes = usage.Inodes;
        record.SpaceDeadline = usage.SpaceDeadline;
        record.InodeDeadline = usage.InodeDeadline;
        if (IsUnused(System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<QuotaRecord>(ref record))))
        {
            record.InodeDeadline = QuotaRecord.NotUnused;
        }
    }

    private QuotaFileHeader ReadHeader()
    {
        using BlockLease lease = Open(0, out Span<byte> bytes);
        QuotaFileHeader header = Disk.At<QuotaFileHeader>(bytes, 0);
        // The size of the file may be any number: it has no more blocks than the volume.
        ulong inVolume = (_context.Geometry.BlockCount << _context.Geometry.BlockSizeShift) >> BlockShift;
        ulong inFile = Math.Min((ulong)_inode.SizeBytes >> BlockShift, inVolume);
        if (header.Magic != QuotaFileHeader.MagicOf(_kind) || header.Version != QuotaFileHeader.ExpectedVersion
            || header.BlockCount <= RootBlock || header.BlockCount > Math.Min(inFile, int.MaxValue)
            || header.FirstFreeBlock >= header.BlockCount || header.FirstRoomyLeaf >= header.BlockCount)
        {
            throw Damaged("its header is impossible");
        }
        return header;
    }

    private BlockLease Open(uint block, out Span<byte> bytes)
    {
        (FsBlock home, int offset) = Locate(block);
        BlockLease lease = _context.Cache.Read(home);
        bytes = lease.Bytes.Slice(offset, BlockBytes);
        return lease;
    }

    private (FsBlock Block, int Offset) Locate(uint block)
    {
        ulong position = (ulong)block << BlockShift;
        uint fileBlock = (uint)(position >> _context.Geometry.BlockSizeShift);
        return _map.TryGetBlock(_inode, fileBlock, out FsBlock home)
            ? (home, (int)(position & ((ulong)_context.Geometry.BlockSizeBytes - 1)))
            : throw Damaged($"a hole at {block}");
    }

    private static bool IsUnused(ReadOnlySpan<byte> record) => record.IndexOfAnyExcept((byte)0) < 0;

    private Ext4CorruptException Damaged(string what) =>
        new(Corruption.QuotaTree, $"quota file of {_kind}, inode {_inode.Number}: {what}");
}
