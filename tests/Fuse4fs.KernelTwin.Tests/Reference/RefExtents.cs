using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Maps of files, block by block: slow, and easy to believe.</summary>
internal sealed class RefExtents(RefVolume volume, RefPolicy policy)
{
    private const long LargestOffset = 0x7FFF_FFFF_FFFF_F000;

    private int Size => volume.BlockSize;

    /// <summary>The whole extent, or hole, around a position.</summary>
    public Mapping Around(RefNode node, long position)
    {
        if (node.Inline is not null && position < Size)
        {
            return new Mapping(0, Size, Mapping.NullAddress, MappingType.Inline, 0, 0);
        }
        long block = position / Size;
        if (!node.Blocks.TryGetValue(block, out RefBlock here))
        {
            return Hole(node, block);
        }
        long first = block;
        while (block - first < policy.MostAnsweredBlocks && Continues(node, first - 1, here, first - 1 - block))
        {
            first--;
        }
        if (policy.MostAnsweredBlocks != int.MaxValue)
        {
            first = Math.Max(first, block / policy.MostAnsweredBlocks * policy.MostAnsweredBlocks);
        }
        long end = block + 1;
        while (end - first < policy.MostAnsweredBlocks && Continues(node, end, here, end - block))
        {
            end++;
        }
        MappingType type = here.IsReserved ? MappingType.Delalloc
            : here.IsWritten ? MappingType.Mapped : MappingType.Unwritten;
        ulong address = here.IsReserved ? Mapping.NullAddress : (ulong)((here.Device + first - block) * Size);
        return new Mapping(first * Size, (end - first) * Size, address, type, 0, here.IsReserved ? 0u : 1u);
    }

    /// <summary>Gives holes of a range blocks, from the first block on until one has some already.</summary>
    /// <returns>ENOSPC when not even one block could be had.</returns>
    public Errno Fill(RefNode node, long from, long to, bool reserves)
    {
        long first = from / Size;
        long end = (to + Size - 1) / Size;
        int wanted = 0;
        while (first + wanted < end && wanted < policy.MostBlocks && !node.Blocks.ContainsKey(first + wanted))
        {
            wanted++;
        }
        return reserves ? Reserve(node, first, wanted) : Allocate(node, first, wanted, isWritten: false);
    }

    /// <summary>Turns reservations of a range into unwritten blocks.</summary>
    public Errno Convert(RefNode node, long from, long to)
    {
        for (long block = from / Size; block * Size < to; block++)
        {
            if (!node.Blocks.TryGetValue(block, out RefBlock here) || !here.IsReserved)
            {
                continue;
            }
            node.Blocks.Remove(block);
            volume.Reserved--;
            Errno error = Allocate(node, block, 1, isWritten: false);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        return Errno.Ok;
    }

    public void MarkWritten(RefNode node, long from, long to)
    {
        for (long block = from / Size; block * Size < to; block++)
        {
            if (node.Blocks.TryGetValue(block, out RefBlock here) && !here.IsReserved)
            {
                node.Blocks[block] = here with { IsWritten = true };
            }
        }
    }

    public void MarkUnwritten(RefNode node, long from, long to)
    {
        for (long block = from / Size; block * Size < to; block++)
        {
            if (node.Blocks.TryGetValue(block, out RefBlock here) && !here.IsReserved)
            {
                node.Blocks[block] = here with { IsWritten = false };
            }
        }
    }

    /// <summary>Frees the whole blocks in a range of blocks.</summary>
    public void Remove(RefNode node, long firstBlock, long endBlock)
    {
        foreach (long block in node.Blocks.Keys.Where(block => block >= firstBlock && block < endBlock).ToArray())
        {
            RefBlock here = node.Blocks[block];
            node.Blocks.Remove(block);
            if (here.IsReserved)
            {
                volume.Reserved--;
            }
            else if (policy.Mischief != Mischief.BlocksNeverFreed)
            {
                volume.Free(here.Device);
            }
        }
    }

    /// <summary>Gives a file whose bytes are inline a block of its own.</summary>
    public Errno MoveOut(RefNode node)
    {
        if (node.Inline is not { } data)
        {
            return Errno.Ok;
        }
        node.Inline = null;
        if (data.Length == 0)
        {
            return Errno.Ok;
        }
        Errno error = Allocate(node, 0, 1, isWritten: true);
        if (error != Errno.Ok)
        {
            node.Inline = data;
            return error;
        }
        byte[] block = new byte[Size];
        data.CopyTo(block, 0);
        return volume.WriteBlock(node.Blocks[0].Device, block);
    }

    /// <returns>ENOSPC when not even one block could be had.</returns>
    public Errno Allocate(RefNode node, long first, int wanted, bool isWritten)
    {
        if (policy.Mischief == Mischief.BlockUsedTwice && wanted > 0)
        {
            node.Blocks[first] = new RefBlock(64 + (first % 4), isWritten);
            return Errno.Ok;
        }
        bool hasAny = wanted == 0;
        while (wanted > 0 && volume.FreeBlocks > 0)
        {
            long goal = node.Blocks.TryGetValue(first - 1, out RefBlock before) && !before.IsReserved
                ? before.Device + 1 : volume.Goal;
            (long start, int count) = volume.Allocate(goal, Math.Min(wanted, volume.FreeBlocks));
            for (int index = 0; index < count; index++)
            {
                node.Blocks[first + index] = new RefBlock(start + index, isWritten);
            }
            hasAny |= count > 0;
            first += count;
            wanted -= count;
        }
        return hasAny ? Errno.Ok : Errno.ENOSPC;
    }

    private Errno Reserve(RefNode node, long first, int wanted)
    {
        int count = Math.Min(wanted, volume.FreeBlocks);
        if (count <= 0)
        {
            return wanted == 0 ? Errno.Ok : Errno.ENOSPC;
        }
        for (int index = 0; index < count; index++)
        {
            node.Blocks[first + index] = new RefBlock(-1, false);
            node.FreshReservations.Add(first + index);
        }
        volume.Reserved += count;
        return Errno.Ok;
    }

    private Mapping Hole(RefNode node, long block)
    {
        long first = 0;
        long end = LargestOffset / Size;
        foreach (long key in node.Blocks.Keys)
        {
            if (key < block)
            {
                first = key + 1;
            }
            else
            {
                end = key;
                break;
            }
        }
        end = Math.Max(end, block + 1);
        first = node.Inline is not null ? Math.Max(1, first) : first;
        return new Mapping(first * Size, (end - first) * Size, Mapping.NullAddress, MappingType.Hole, 0, 0);
    }

    private static bool Continues(RefNode node, long block, RefBlock here, long distance) =>
        node.Blocks.TryGetValue(block, out RefBlock other) && other.IsReserved == here.IsReserved
        && other.IsWritten == here.IsWritten && (here.IsReserved || other.Device == here.Device + distance);
}
