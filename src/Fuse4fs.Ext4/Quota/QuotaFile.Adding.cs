using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Quota;

/// <content>New records: planned before the handle, with everything read that will change.</content>
internal sealed partial class QuotaFile
{
    /// <summary>Blocks that <see cref="Add"/> changes: the header, the nodes of the path, the leaf, and the leaf behind it
    /// in the list.</summary>
    public const int AddCredits = Levels + 3;

    /// <summary>Plans a record for an id that has none.</summary>
    /// <param name="id">Any.</param>
    /// <param name="plan">What will change.</param>
    /// <returns>False while the file has fewer blocks than it takes: it has to grow first.</returns>
    /// <exception cref="Ext4CorruptException">The file is damaged.</exception>
    public bool TryPlan(uint id, out AddPlan plan)
    {
        QuotaFileHeader header = ReadHeader();
        plan = new AddPlan { Id = id, Header = header, Depth = 1, Parent = RootBlock };
        for (; plan.Depth < Levels; plan.Depth++)
        {
            uint child = NumberIn(plan.Parent, IndexOf(id, plan.Depth - 1));
            if (child == 0)
            {
                break;
            }
            plan.Parent = CheckBlock(child, header.BlockCount);
        }
        plan.Leaf = header.FirstRoomyLeaf;
        if (plan.Leaf != 0)
        {
            plan.NextLeaf = CheckRoom(plan.Leaf, header.BlockCount, out plan.Offset);
        }
        for (int missing = Levels - plan.Depth + (plan.Leaf == 0 ? 1 : 0); missing > 0; missing--)
        {
            if (!TryTakeBlock(ref plan))
            {
                return false;
            }
        }
        plan.IsNewLeaf = plan.Leaf == 0;
        if (plan.IsNewLeaf)
        {
            plan.Leaf = plan.Blocks[^1];
            plan.Blocks.RemoveAt(plan.Blocks.Count - 1);
            plan.Offset = QuotaLeafHeader.SizeBytes;
        }
        return true;
    }

    /// <summary>Makes the record as planned: it counts nothing and has no limits.</summary>
    public QuotaUsage Add(Handle handle, AddPlan plan)
    {
        uint parent = plan.Parent;
        int depth = plan.Depth;
        foreach (uint block in plan.Blocks)
        {
            using (Change(handle, block, out Span<byte> fresh))
            {
                fresh.Clear();
            }
            SetNumber(handle, parent, IndexOf(plan.Id, depth - 1), block);
            parent = block;
            depth++;
        }
        SetNumber(handle, parent, IndexOf(plan.Id, Levels - 1), plan.Leaf);
        var usage = new QuotaUsage(plan.Leaf, plan.Offset);
        bool isFull;
        using (Change(handle, plan.Leaf, out Span<byte> leaf))
        {
            if (plan.IsNewLeaf)
            {
                leaf.Clear();
            }
            ref QuotaLeafHeader header = ref Disk.At<QuotaLeafHeader>(leaf, 0);
            header.EntryCount = (ushort)(header.EntryCount + 1);
            isFull = header.EntryCount >= RecordsPerLeaf;
            if (isFull)
            {
                header.Next = 0;
                header.Previous = 0;
            }
            ref QuotaRecord record = ref Disk.At<QuotaRecord>(leaf, plan.Offset);
            record = default;
            Encode(plan.Id, usage, ref record);
        }
        if (isFull && plan.NextLeaf != 0)
        {
            using BlockLease lease = Change(handle, plan.NextLeaf, out Span<byte> next);
            Disk.At<QuotaLeafHeader>(next, 0).Previous = 0;
        }
        using (Change(handle, 0, out Span<byte> first))
        {
            ref QuotaFileHeader header = ref Disk.At<QuotaFileHeader>(first, 0);
            header.BlockCount = plan.Header.BlockCount;
            header.FirstFreeBlock = plan.Header.FirstFreeBlock;
            header.FirstRoomyLeaf = isFull ? plan.NextLeaf : plan.Leaf;
        }
        return usage;
    }

    private static int IndexOf(uint id, int level) =>
        (int)((id >> (BitsPerLevel * (Levels - 1 - level))) & (NumbersPerBlock - 1));

    private uint NumberIn(uint block, int index)
    {
        using BlockLease lease = Open(block, out Span<byte> bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[(index * 4)..]);
    }

    private void SetNumber(Handle handle, uint block, int index, uint number)
    {
        using BlockLease lease = Change(handle, block, out Span<byte> bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[(index * 4)..], number);
    }

    private uint CheckBlock(uint block, uint blockCount) => block > RootBlock && block < blockCount
        ? block
        : throw Damaged($"it names block {block} of {blockCount}");

    /// <summary>Looks for the room that the list of roomy leaves promises.</summary>
    /// <returns>The next leaf of that list, 0 at its end.</returns>
    private uint CheckRoom(uint leaf, uint blockCount, out int offset)
    {
        using BlockLease lease = Open(CheckBlock(leaf, blockCount), out Span<byte> bytes);
        ref readonly QuotaLeafHeader header = ref Disk.At<QuotaLeafHeader>(bytes, 0);
        offset = QuotaLeafHeader.SizeBytes;
        for (int i = 0; i < RecordsPerLeaf; i++, offset += QuotaRecord.SizeBytes)
        {
            if (IsUnused(bytes.Slice(offset, QuotaRecord.SizeBytes)))
            {
                if (header.EntryCount >= RecordsPerLeaf || (header.Next != 0 && header.Next == leaf))
                {
                    break;
                }
                return header.Next == 0 ? 0 : CheckBlock(header.Next, blockCount);
            }
        }
        throw Damaged($"leaf {leaf} is listed as having room");
    }

    /// <summary>Takes a block from the list of unused ones, or behind those in use.</summary>
    private bool TryTakeBlock(ref AddPlan plan)
    {
        uint free = plan.Header.FirstFreeBlock;
        if (free != 0)
        {
            using BlockLease lease = Open(CheckBlock(free, plan.Header.BlockCount), out Span<byte> bytes);
            uint next = Disk.At<QuotaLeafHeader>(bytes, 0).Next;
            if (plan.Blocks.Contains(free))
            {
                throw Damaged("its list of unused blocks is a circle");
            }
            plan.Header.FirstFreeBlock = next == 0 ? 0 : CheckBlock(next, plan.Header.BlockCount);
            plan.Blocks.Add(free);
            return true;
        }
        if (((ulong)plan.Header.BlockCount + 1) << BlockShift > (ulong)_inode.SizeBytes)
        {
            return false;
        }
        plan.Blocks.Add(plan.Header.BlockCount);
        plan.Header.BlockCount++;
        return true;
    }

    private BlockLease Change(Handle handle, uint block, out Span<byte> bytes)
    {
        (FsBlock home, int offset) = Locate(block);
        BlockLease lease = handle.Update(home);
        bytes = lease.Bytes.Slice(offset, BlockBytes);
        return lease;
    }

    /// <summary>What a new record will change.</summary>
    internal struct AddPlan()
    {
        public uint Id;

        /// <summary>As it will be.</summary>
        public QuotaFileHeader Header;

        /// <summary>Level of the first node that is missing on the path; the root is level 0.</summary>
        public int Depth;

        /// <summary>The deepest node of the path that exists.</summary>
        public uint Parent;

        /// <summary>New nodes of the path, from the top.</summary>
        public readonly List<uint> Blocks = [];

        /// <summary>Where the record goes.</summary>
        public uint Leaf;
        public int Offset;
        public bool IsNewLeaf;

        /// <summary>Behind the leaf in the list of leaves with room.</summary>
        public uint NextLeaf;
    }
}
