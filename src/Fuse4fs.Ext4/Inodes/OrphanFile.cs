using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>The file that names orphans where the volume has one: a slot is taken and given back without touching the
/// superblock or a neighbour. Docs: ext4/orphan.</summary>
/// <remarks>Which slots are taken is kept in memory. Each block has a lock of its own, taken in a handle.</remarks>
internal sealed class OrphanFile
{
    /// <summary>More blocks are damage. Kernel: EXT4_MAX_ORPHAN_FILE_BLOCKS.</summary>
    public const int MaximumBlocks = 512;

    /// <summary>Blocks that taking or clearing a slot changes.</summary>
    public const int Credits = 1;

    private readonly VolumeContext _context;
    private readonly uint _seed;
    private readonly int _slotsPerBlock;
    private readonly Block[] _blocks;

    /// <summary>Reads and checks all of it.</summary>
    /// <param name="context">The volume.</param>
    /// <param name="seed">Checksum seed of the file's inode.</param>
    /// <param name="blocks">Its blocks in order.</param>
    /// <exception cref="Ext4CorruptException">A block is damaged.</exception>
    public OrphanFile(VolumeContext context, uint seed, IReadOnlyList<FsBlock> blocks)
    {
        _context = context;
        _seed = seed;
        _slotsPerBlock = (context.Geometry.BlockSizeBytes - OrphanBlockTail.SizeBytes) / sizeof(uint);
        if (blocks.Count > MaximumBlocks)
        {
            Ext4CorruptException.Throw(Corruption.OrphanList, $"orphan file: {blocks.Count} blocks");
        }
        _blocks = [.. blocks.Select((block, index) => Load(block, index * _slotsPerBlock))];
    }

    /// <summary>The entries found when it was read: places and what they name.</summary>
    public List<(int Slot, uint Number)> Found { get; } = [];

    /// <summary>True when no slot is taken.</summary>
    public bool IsEmpty => Array.TrueForAll(_blocks, block => block.FreeSlots == _slotsPerBlock);

    /// <summary>Takes a slot for an inode.</summary>
    /// <returns>False when all are taken.</returns>
    public bool TryAdd(Handle handle, InodeNumber number, out int slot)
    {
        // Threads start at different blocks so that they do not wait for each other.
        int start = _blocks.Length == 0 ? 0 : Environment.CurrentManagedThreadId * 13 % _blocks.Length;
        for (int i = 0; i < _blocks.Length; i++)
        {
            int index = (start + i) % _blocks.Length;
            Block block = _blocks[index];
            lock (block.Gate)
            {
                int place = Array.IndexOf(block.IsTaken, false);
                if (place >= 0)
                {
                    block.IsTaken[place] = true;
                    block.FreeSlots--;
                    Write(handle, block, place, number.Value);
                    slot = (index * _slotsPerBlock) + place;
                    return true;
                }
            }
        }
        slot = -1;
        return false;
    }

    /// <summary>Clears a slot.</summary>
    public void Remove(Handle handle, int slot)
    {
        Block block = _blocks[slot / _slotsPerBlock];
        int place = slot % _slotsPerBlock;
        lock (block.Gate)
        {
            Write(handle, block, place, 0);
            block.IsTaken[place] = false;
            block.FreeSlots++;
        }
    }

    private Block Load(FsBlock number, int firstSlot)
    {
        using BlockLease lease = _context.Cache.Read(number);
        int entriesBytes = _slotsPerBlock * sizeof(uint);
        ref readonly OrphanBlockTail tail = ref Tail(lease.Bytes);
        if (tail.Magic != OrphanBlockTail.ExpectedMagic)
        {
            Ext4CorruptException.Throw(Corruption.OrphanList, $"orphan file, block {number}: magic {tail.Magic}");
        }
        uint expected = Checksums.OfOrphanBlock(_seed, number, lease.Bytes[..entriesBytes]);
        if (_context.Checksums.IsEnabled && tail.Checksum != expected)
        {
            Ext4CorruptException.Throw(Corruption.OrphanList,
                $"orphan file, block {number}: expected {expected:x8}, found {(uint)tail.Checksum:x8}");
        }
        var block = new Block(number, _slotsPerBlock);
        for (int place = 0; place < _slotsPerBlock; place++)
        {
            uint entry = Disk.At<Le32>(lease.Bytes, place * sizeof(uint));
            if (entry != 0)
            {
                block.IsTaken[place] = true;
                block.FreeSlots--;
                Found.Add((firstSlot + place, entry));
            }
        }
        return block;
    }

    /// <summary>Under the block's gate.</summary>
    private void Write(Handle handle, Block block, int place, uint number)
    {
        using BlockLease lease = handle.Update(block.Number);
        Disk.At<Le32>(lease.Bytes, place * sizeof(uint)) = number;
        if (_context.Checksums.IsEnabled)
        {
            ReadOnlySpan<byte> entries = lease.Bytes[..(_slotsPerBlock * sizeof(uint))];
            Tail(lease.Bytes).Checksum = Checksums.OfOrphanBlock(_seed, block.Number, entries);
        }
    }

    private ref OrphanBlockTail Tail(Span<byte> block) =>
        ref Disk.At<OrphanBlockTail>(block, _context.Geometry.BlockSizeBytes - OrphanBlockTail.SizeBytes);

    private sealed class Block(FsBlock number, int slots)
    {
        public FsBlock Number { get; } = number;

        public Lock Gate { get; } = new();

        public bool[] IsTaken { get; } = new bool[slots];

        public int FreeSlots { get; set; } = slots;
    }
}
