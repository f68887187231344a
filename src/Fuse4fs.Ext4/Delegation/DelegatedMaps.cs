using System.Collections.Concurrent;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Where the data of files is, for whoever moves it himself: the map and what is only in memory, taken together.
/// Changes nothing. Callers hold the inode's lock, shared at least.</summary>
internal sealed class DelegatedMaps(VolumeContext context, FileMap map)
{
    /// <summary>A hole of a file may be told in pieces, one for each node of its map: so many are joined.</summary>
    private const int MostJoins = 64;

    private readonly int _blockShift = context.Geometry.BlockSizeShift;

    /// <summary>What is known beyond inodes and maps, by inode number. Entries are made and removed under the inode's lock,
    /// held exclusively.</summary>
    public ConcurrentDictionary<uint, DelegatedState> States { get; } = [];

    /// <summary>Knows the file system's own blocks; null where nothing is written.</summary>
    public BlockAllocator? Allocator { get; set; }

    /// <summary>What is known of an inode, or null.</summary>
    public DelegatedState? StateOf(Inode inode) => States.GetValueOrDefault(inode.Number.Value);

    /// <summary>Answers, if that changes nothing.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="use">What for.</param>
    /// <param name="offset">First byte wanted, inside the largest file.</param>
    /// <param name="mapping">Holds that byte.</param>
    /// <returns>False: the exclusive lock and <see cref="DelegatedFiles.Map"/> are needed.</returns>
    public bool TryMap(Inode inode, MappingUse use, long offset, out DelegatedMapping mapping)
    {
        ulong block = (ulong)offset >> _blockShift;
        if (inode.Has(InodeFlags.InlineData))
        {
            mapping = InlineMapping(block);
            return use is MappingUse.Read or MappingUse.DirectRead or MappingUse.Report;
        }
        DelegatedState? state = StateOf(inode);
        DelegatedRun run = Find(inode, state, block, joins: use is not MappingUse.WriteBack);
        mapping = MappingOf(inode, in run, block, use);
        return use switch
        {
            MappingUse.Read or MappingUse.DirectRead or MappingUse.Report or MappingUse.Zero => true,
            MappingUse.Swap => false,
            MappingUse.Write => run.Kind != DelegatedKind.Hole && state is not { HasFresh: true },
            MappingUse.Fault => run.Kind != DelegatedKind.Hole,
            _ => run.Kind is DelegatedKind.Written or DelegatedKind.Unwritten,
        };
    }

    /// <summary>The map from a place on, as somebody may keep it who reads and overwrites without asking. What is only
    /// reserved is left out.</summary>
    /// <param name="inode">A regular file whose data is not inside the inode.</param>
    /// <param name="offset">First byte; the first mapping may begin before it.</param>
    /// <param name="limit">Nothing that begins here or behind.</param>
    /// <param name="mappings">Filled, ascending.</param>
    /// <param name="next">Where to go on; at or behind the limit when all is told.</param>
    /// <returns>How many were filled in.</returns>
    public int CopyMappings(Inode inode, long offset, long limit, Span<DelegatedMapping> mappings, out long next)
    {
        DelegatedState? state = StateOf(inode);
        int count = 0;
        next = offset;
        // A tail is told apart from what lies before it: one run may take two places.
        while (next < limit && count + 1 < mappings.Length)
        {
            ulong block = (ulong)next >> _blockShift;
            if (block >= ExtentNodePlace.FileEnd)
            {
                next = long.MaxValue;
                break;
            }
            DelegatedRun run = Find(inode, state, block, joins: true);
            next = (long)(run.End << _blockShift);
            if (run.Kind == DelegatedKind.Reserved)
            {
                continue;
            }
            ulong tail = TailBlock(inode);
            if (run.Kind == DelegatedKind.Written && run.First < tail && run.End > tail)
            {
                mappings[count++] = ToBytes(run.Until(tail), isTail: false);
                run = run.From(tail);
            }
            mappings[count++] = ToBytes(in run, run.Kind == DelegatedKind.Written && run.First >= tail);
        }
        return count;
    }

    /// <summary>The block with the file's stored end, if that is inside a block; else the first one behind it.</summary>
    public ulong TailBlock(Inode inode) => (ulong)inode.SizeBytes >> _blockShift;

    /// <summary>The answer about data inside the inode: a block at the file's start.</summary>
    public DelegatedMapping InlineMapping(ulong block) => block == 0
        ? new(DelegatedKind.Inline, 0, 1L << _blockShift, DelegatedMapping.NoDeviceOffset, IsTail: false)
        : ToBytes(new DelegatedRun(DelegatedKind.Hole, block, ExtentNodePlace.FileEnd, default), isTail: false);

    /// <summary>A stretch as the answer about a block of it.</summary>
    public DelegatedMapping MappingOf(Inode inode, in DelegatedRun run, ulong block, MappingUse use)
    {
        DelegatedRun answer = run;
        if (use == MappingUse.DirectRead && run.Kind == DelegatedKind.Reserved)
        {
            answer = run with { Kind = DelegatedKind.Hole };
        }
        ulong tail = TailBlock(inode);
        bool isTail = use == MappingUse.WriteBack && run.Kind == DelegatedKind.Written && run.End > tail;
        if (isTail)
        {
            isTail = block >= tail;
            answer = isTail ? run.From(tail) : run.Until(tail);
        }
        return ToBytes(in answer, isTail);
    }

    private DelegatedMapping ToBytes(in DelegatedRun run, bool isTail) => new(
        run.Kind, (long)(run.First << _blockShift), (long)((run.End - run.First) << _blockShift),
        run.Start.Value == 0 ? DelegatedMapping.NoDeviceOffset : (long)(run.Start.Value << _blockShift), isTail);

    /// <summary>What a block is.</summary>
    public DelegatedRun Find(Inode inode, DelegatedState? state, ulong block, bool joins)
    {
        if (block >= ExtentNodePlace.FileEnd)
        {
            return new DelegatedRun(DelegatedKind.Hole, ExtentNodePlace.FileEnd, ExtentNodePlace.FileEnd + 1, default);
        }
        MapRun run = map.Find(inode, (uint)block);
        if (run.Kind != RunKind.Hole)
        {
            CheckPlace(inode, in run);
            return new DelegatedRun(
                run.Kind == RunKind.Written ? DelegatedKind.Written : DelegatedKind.Unwritten,
                run.First, run.End, run.Start);
        }
        ulong first = run.First;
        ulong end = run.End;
        for (int i = 0; joins && i < MostJoins && end < ExtentNodePlace.FileEnd; i++)
        {
            MapRun behind = map.Find(inode, (uint)end);
            if (behind.Kind != RunKind.Hole)
            {
                break;
            }
            end = behind.End;
        }
        return state is null
            ? new DelegatedRun(DelegatedKind.Hole, first, end, default)
            : Overlay(state, block, first, end);
    }

    /// <summary>A damaged image may map a file onto the file system's own structures: whoever writes there himself would
    /// change them behind our back.</summary>
    private void CheckPlace(Inode inode, in MapRun run)
    {
        if (run.IsMapped && Allocator?.IsForbidden(run.Start, run.LengthBlocks) == true)
        {
            Ext4CorruptException.Throw(Corruption.BlockOutOfVolume,
                $"inode {inode.Number}: data at block {run.Start}, the file system's own", inode.Number, run.Start);
        }
    }

    /// <summary>What a block of a hole is, with what is only in memory.</summary>
    private static DelegatedRun Overlay(DelegatedState state, ulong block, ulong first, ulong end)
    {
        // What begins before the block may end before it, too: the hole then begins at the block.
        first = block;
        if (state.Placed.TryFindFrom(block, out PlacedRun placed))
        {
            if (placed.FirstFileBlock <= block)
            {
                return new DelegatedRun(DelegatedKind.Unwritten, placed.FirstFileBlock, placed.EndFileBlock,
                    placed.Blocks.Start, IsPlaced: true);
            }
            end = Math.Min(end, placed.FirstFileBlock);
        }
        if (state.Reserved.TryFindFrom(block, out ulong reservedFirst, out ulong reservedEnd))
        {
            if (reservedFirst <= block)
            {
                return new DelegatedRun(DelegatedKind.Reserved, reservedFirst, reservedEnd, default);
            }
            end = Math.Min(end, reservedFirst);
        }
        return new DelegatedRun(DelegatedKind.Hole, first, end, default);
    }
}
