using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Lists names in the order of their hashes. A call looks at the leaves it lists from, never at more.</summary>
internal sealed class HashOrderListing(
    DirectoryBlocks blocks,
    HashTree tree,
    InlineDirectories inline,
    DirectorySettings settings,
    EntryEmitter emitter)
{
    /// <summary>Lists an indexed directory.</summary>
    public void ListByIndex<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        var source = new RecordSource(blocks, inline, directory, layout);
        try
        {
            if (!position.IsAtLeaf)
            {
                tree.ReadRoot(directory, layout, out position.Path);
                tree.Probe(directory, layout, ListingCookie.MajorOf(cookie), ref position.Path);
                position.RemainingLeaves = blocks.CountOf(directory);
                GatherLeaf(directory, layout, cookie, ref source, position);
            }
            while (Emit(directory, ref source, position.Path.Hasher, cookie, ref sink, position) && !position.IsLastLeaf)
            {
                position.IsAtLeaf = false;
                tree.MoveNext(directory, layout, position.NextHash, ref position.Path);
                GatherLeaf(directory, layout, cookie, ref source, position);
            }
        }
        finally
        {
            source.Dispose();
        }
    }

    /// <summary>Lists a directory of one block, or inside its inode, which may become indexed between two calls.
    /// </summary>
    public void ListOneLeaf<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        NameHasher hasher = settings.HasherOf(
            directory, layout.HasStoredHash ? HashVersion.SipHash : settings.DefaultHash);
        var source = new RecordSource(blocks, inline, directory, layout);
        try
        {
            if (!position.IsAtLeaf)
            {
                GatherAll(directory, layout, hasher, cookie, ref source, position);
            }
            Emit(directory, ref source, hasher, cookie, ref sink, position);
        }
        finally
        {
            source.Dispose();
        }
    }

    /// <summary>Collects the names of the leaf that the path has come to, behind those still held.</summary>
    private void GatherLeaf(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref RecordSource source, ListingPosition position)
    {
        ref HashTreePath path = ref position.Path;
        if (position.RemainingLeaves-- == 0)
        {
            Ext4CorruptException.Throw(Corruption.HashTreeNode, $"index of directory {directory.Number}: leaves repeat");
        }
        bool isLast = !tree.TryPeekNext(directory, layout, in path, out uint next);
        bool continues = !isLast && (next & 1) != 0;
        uint highest = isLast ? uint.MaxValue - 1 : continues ? next & ~1u : next - 2;
        var range = new HashRange(path.LeafHash, Math.Max(path.LeafHash, highest));
        Gather(source.Area(path.Leaf), layout, path.Leaf, path.Hasher, range, cookie, position);
        position.Sort();
        position.NextHash = next;
        position.IsLastLeaf = isLast;
        // Names of the hash that goes on in the next leaf wait for their equals there.
        position.Ready = continues ? ListingCookie.Key(next, 0) : ulong.MaxValue;
        position.IsAtLeaf = true;
    }

    private static void GatherAll(
        Inode directory,
        in DirectoryLayout layout,
        NameHasher hasher,
        ulong cookie,
        ref RecordSource source,
        ListingPosition position)
    {
        var all = new HashRange(0, uint.MaxValue - 1);
        bool isInline = directory.Has(InodeFlags.InlineData);
        uint leaf = isInline ? EntryPlace.InlineBlock : 0;
        Gather(source.Area(leaf), layout, leaf, hasher, all, cookie, position);
        if (isInline)
        {
            leaf = InlineDirectories.AttributeBlock;
            Gather(source.Area(leaf), layout, leaf, hasher, all, cookie, position);
        }
        position.Sort();
        position.Ready = ulong.MaxValue;
        position.IsLastLeaf = true;
        position.IsAtLeaf = true;
    }

    /// <summary>Collects the names of a leaf from a cookie on. A hash outside the leaf's range, which only damage or a
    /// foreign tool explains, counts as the nearest inside: the name is listed, and listed once.</summary>
    private static void Gather(
        ReadOnlySpan<byte> area,
        in DirectoryLayout layout,
        uint fileBlock,
        NameHasher hasher,
        HashRange range,
        ulong cookie,
        ListingPosition position)
    {
        ulong from = ListingCookie.KeyOf(cookie);
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (!record.IsUsed || record.IsDot)
            {
                continue;
            }
            NameHash hash = hasher.Of(record);
            uint major = Math.Clamp(hash.Major, range.Lowest, range.Highest);
            ulong key = ListingCookie.Key(major, hasher.TieBreaker(hash, record.Name));
            if (key >= from)
            {
                position.Add(key, fileBlock, record.Offset);
            }
        }
    }

    /// <summary>Gives the sink what is ready, and takes that out of the position.</summary>
    /// <returns>False when the sink is full.</returns>
    private bool Emit<TSink>(
        Inode directory,
        ref RecordSource source,
        NameHasher hasher,
        ulong cookie,
        ref TSink sink,
        ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        int first = 0;
        bool isTaken = true;
        while (isTaken && first < position.Count && position.KeyAt(first) < position.Ready)
        {
            int end = position.EndOfTies(first);
            OrderTies(ref source, position, first, end);
            isTaken = EmitTies(directory, ref source, hasher, cookie, ref sink, position, first, end);
            first = isTaken ? end : first;
        }
        position.RemoveFirst(first);
        return isTaken;
    }

    /// <summary>Gives the sink the names of one key, without those a listing has had.</summary>
    private bool EmitTies<TSink>(
        Inode directory,
        ref RecordSource source,
        NameHasher hasher,
        ulong cookie,
        ref TSink sink,
        ListingPosition position,
        int first,
        int end)
        where TSink : IDirectorySink, allows ref struct
    {
        ulong key = position.KeyAt(first);
        ulong continued = ListingCookie.KeyOf(cookie);
        int skipped = key > continued ? 0 : key < continued ? end - first : ListingCookie.SkippedOf(cookie);
        for (int at = first + skipped; at < end; at++)
        {
            (uint fileBlock, int offset) = position.PlaceAt(at);
            DirectoryRecord record = source.At(fileBlock, offset);
            NameHash hash = directory.Has(InodeFlags.Encrypted) ? hasher.Of(record) : default;
            ulong next = ListingCookie.Behind(key, at - first);
            if (!emitter.TryEmit(ref sink, directory, record, hash, next, position))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Equal keys are ordered by name, so that their order does not depend on where a record happens to be.
    /// Only few: beyond that they have no positions of their own anyway.</summary>
    private static void OrderTies(ref RecordSource source, ListingPosition position, int first, int end)
    {
        if (end - first > ListingCookie.MaximumOrdinal)
        {
            return;
        }
        Span<byte> name = stackalloc byte[DirectoryFinder.MaximumNameBytes];
        for (int next = first + 1; next < end; next++)
        {
            for (int at = next; at > first; at--)
            {
                (uint fileBlock, int offset) = position.PlaceAt(at);
                ReadOnlySpan<byte> found = source.At(fileBlock, offset).Name;
                found.CopyTo(name);
                int length = found.Length;
                (fileBlock, offset) = position.PlaceAt(at - 1);
                if (source.At(fileBlock, offset).Name.SequenceCompareTo(name[..length]) <= 0)
                {
                    break;
                }
                position.Swap(at, at - 1);
            }
        }
    }

    /// <summary>The hashes a leaf is for.</summary>
    private readonly record struct HashRange(uint Lowest, uint Highest);
}
