using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Lists directories with positions that stay valid while names come and go: in hash order wherever the
/// directory is indexed or may become so, else by place. A call looks at the leaves it lists from, never at more.
/// Needs the directory's lock, shared or exclusively.</summary>
internal sealed class DirectoryLister(
    VolumeContext context,
    DirectoryBlocks blocks,
    HashTree tree,
    InlineDirectories inline,
    DirectoryFinder finder,
    DirectorySettings settings)
{
    /// <summary>Lists from a cookie on until the sink is full or the directory ends.</summary>
    /// <param name="directory">A directory.</param>
    /// <param name="cookie">0, or one the sink was given.</param>
    /// <param name="sink">Takes the entries; must not call back into the volume.</param>
    /// <exception cref="Ext4CorruptException">The first block to be listed is damaged. Damage behind entries already
    /// taken ends the listing; continuing it then meets the damage.</exception>
    public void List<TSink>(Inode directory, ulong cookie, ref TSink sink)
        where TSink : IDirectorySink, allows ref struct
    {
        ListingBuffer buffer = ListingBuffer.Begin();
        try
        {
            if (ListDots(directory, ref cookie, ref sink, buffer))
            {
                ListNames(directory, cookie, ref sink, buffer);
            }
        }
        catch (Ext4CorruptException) when (buffer.Listed > 0)
        {
            // Reported when the caller continues.
        }
    }

    private bool ListDots<TSink>(Inode directory, ref ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        if (cookie == 0)
        {
            if (!sink.Add("."u8, directory.Number, DirectoryFileType.Directory, ListingCookie.DotDot))
            {
                return false;
            }
            buffer.Listed++;
            cookie = ListingCookie.DotDot;
        }
        if (cookie == ListingCookie.DotDot)
        {
            bool isFound = finder.Find(directory, ".."u8, out EntryPlace parent) == Errno.Ok;
            if (isFound && !sink.Add(".."u8, parent.Inode, DirectoryFileType.Directory, ListingCookie.FirstName))
            {
                return false;
            }
            buffer.Listed += isFound ? 1 : 0;
            cookie = ListingCookie.FirstName;
        }
        return true;
    }

    private void ListNames<TSink>(Inode directory, ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        DirectoryLayout layout = settings.LayoutOf(directory);
        bool isInline = directory.Has(InodeFlags.InlineData);
        if (settings.HasIndex && !isInline && directory.Has(InodeFlags.HashIndexed) && !directory.HasDamagedIndex)
        {
            try
            {
                ListByIndex(directory, layout, cookie, ref sink, buffer);
                return;
            }
            catch (Ext4CorruptException damage) when (damage.Kind is Corruption.HashTreeRoot or Corruption.HashTreeNode)
            {
                directory.HasDamagedIndex = true;
                context.Events.Damage(damage, directory.Number);
                if (cookie != ListingCookie.FirstName || buffer.Listed > 2)
                {
                    throw; // positions by hash were given out already: only a new listing can go by place
                }
            }
        }
        else if (settings.HasIndex && (isInline || blocks.CountOf(directory) == 1))
        {
            ListOneLeaf(directory, layout, cookie, ref sink, buffer);
            return;
        }
        ListByPlace(directory, layout, cookie, ref sink, buffer);
    }

    private void ListByIndex<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        tree.ReadRoot(directory, layout, out HashTreePath path);
        tree.Probe(directory, layout, ListingCookie.MajorOf(cookie), ref path);
        var source = new RecordSource(blocks, inline, directory, layout);
        try
        {
            ListLeaves(directory, layout, cookie, ref path, ref source, ref sink, buffer);
        }
        finally
        {
            source.Dispose();
        }
    }

    private void ListLeaves<TSink>(
        Inode directory,
        in DirectoryLayout layout,
        ulong cookie,
        ref HashTreePath path,
        ref RecordSource source,
        ref TSink sink,
        ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        for (uint remaining = blocks.CountOf(directory); ; remaining--)
        {
            if (remaining == 0)
            {
                Ext4CorruptException.Throw(
                    Corruption.HashTreeNode, $"index of directory {directory.Number}: leaves repeat");
            }
            bool isLast = !tree.TryPeekNext(directory, layout, in path, out uint next);
            bool continues = !isLast && (next & 1) != 0;
            uint highest = isLast ? uint.MaxValue - 1 : continues ? next & ~1u : next - 2;
            ReadOnlySpan<byte> area = source.Area(path.Leaf);
            var range = new HashRange(path.LeafHash, Math.Max(path.LeafHash, highest));
            Gather(area, layout, path.Leaf, path.Hasher, range, cookie, buffer);
            buffer.Sort();
            // Names of the hash that goes on in the next leaf wait for their equals there.
            ulong ready = continues ? ListingCookie.Key(next, 0) : ulong.MaxValue;
            if (!Emit(directory, ref source, path.Hasher, ready, cookie, ref sink, buffer) || isLast)
            {
                return;
            }
            tree.MoveNext(directory, layout, next, ref path);
        }
    }

    private void ListOneLeaf<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        NameHasher hasher = settings.HasherOf(
            directory, layout.HasStoredHash ? HashVersion.SipHash : settings.DefaultHash);
        var all = new HashRange(0, uint.MaxValue - 1);
        var source = new RecordSource(blocks, inline, directory, layout);
        try
        {
            bool isInline = directory.Has(InodeFlags.InlineData);
            uint leaf = isInline ? EntryPlace.InlineBlock : 0;
            Gather(source.Area(leaf), layout, leaf, hasher, all, cookie, buffer);
            if (isInline)
            {
                leaf = InlineDirectories.AttributeBlock;
                Gather(source.Area(leaf), layout, leaf, hasher, all, cookie, buffer);
            }
            buffer.Sort();
            Emit(directory, ref source, hasher, ulong.MaxValue, cookie, ref sink, buffer);
        }
        finally
        {
            source.Dispose();
        }
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
        ListingBuffer buffer)
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
                buffer.Add(key, fileBlock, record.Offset);
            }
        }
    }

    /// <summary>Gives the sink what is ready, and takes that out of the buffer.</summary>
    /// <returns>False when the sink is full.</returns>
    private bool Emit<TSink>(
        Inode directory,
        ref RecordSource source,
        NameHasher hasher,
        ulong ready,
        ulong cookie,
        ref TSink sink,
        ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        int first = 0;
        while (first < buffer.Count && buffer.KeyAt(first) < ready)
        {
            ulong key = buffer.KeyAt(first);
            int end = buffer.EndOfTies(first);
            OrderTies(ref source, buffer, first, end);
            int skipped = key == ListingCookie.KeyOf(cookie) ? ListingCookie.SkippedOf(cookie) : 0;
            for (int at = first + skipped; at < end; at++)
            {
                (uint fileBlock, int offset) = buffer.PlaceAt(at);
                DirectoryRecord record = source.At(fileBlock, offset);
                NameHash hash = directory.Has(InodeFlags.Encrypted) ? hasher.Of(record) : default;
                if (!AddTo(ref sink, directory, record, hash, ListingCookie.Behind(key, at - first), buffer))
                {
                    return false;
                }
            }
            first = end;
        }
        buffer.RemoveFirst(first);
        return true;
    }

    /// <summary>Equal keys are ordered by name, so that their order does not depend on where a record happens to be.
    /// Only few: beyond that they have no positions of their own anyway.</summary>
    private static void OrderTies(ref RecordSource source, ListingBuffer buffer, int first, int end)
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
                (uint fileBlock, int offset) = buffer.PlaceAt(at);
                ReadOnlySpan<byte> found = source.At(fileBlock, offset).Name;
                found.CopyTo(name);
                int length = found.Length;
                (fileBlock, offset) = buffer.PlaceAt(at - 1);
                if (source.At(fileBlock, offset).Name.SequenceCompareTo(name[..length]) <= 0)
                {
                    break;
                }
                buffer.Swap(at, at - 1);
            }
        }
    }

    private void ListByPlace<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        if (directory.Has(InodeFlags.InlineData))
        {
            ListInlineByPlace(directory, layout, cookie, ref sink, buffer);
            return;
        }
        int shift = context.Geometry.BlockSizeShift;
        ulong size = (ulong)blocks.CountOf(directory) << shift;
        if (cookie > size)
        {
            Ext4CorruptException.Throw(
                Corruption.HashTreeRoot, $"directory {directory.Number}: position {cookie} of {size}; list it anew");
        }
        uint start = (uint)(cookie >> shift);
        for (uint at = start; blocks.TryReadNextLeaf(directory, layout, ref at, out BlockLease lease); at++)
        {
            using (lease)
            {
                ulong areaStart = (ulong)at << shift;
                if (!AddArea(directory, lease.Bytes[..layout.LeafBytes], layout, at, areaStart, cookie, ref sink, buffer))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Positions as if the records followed "." and ".." in a block, where they go when the directory grows.
    /// </summary>
    private void ListInlineByPlace<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        const ulong dotsBytes = 24;
        ReadOnlySpan<byte> first = InlineDirectories.FirstArea(directory);
        if (!AddArea(directory, first, layout, EntryPlace.InlineBlock, dotsBytes, cookie, ref sink, buffer))
        {
            return;
        }
        using BlockLease lease = inline.OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        AddArea(directory, second, layout, InlineDirectories.AttributeBlock, dotsBytes + (ulong)first.Length, cookie,
            ref sink, buffer);
    }

    /// <summary>Lists the records of an area that begin at or behind a position.</summary>
    private bool AddArea<TSink>(
        Inode directory,
        scoped ReadOnlySpan<byte> area,
        in DirectoryLayout layout,
        uint fileBlock,
        ulong areaStart,
        ulong cookie,
        ref TSink sink,
        ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            ulong position = areaStart + (ulong)record.Offset;
            if (position < cookie || !record.IsUsed || record.IsDot)
            {
                continue;
            }
            NameHash hash = layout.HasStoredHash ? record.StoredHash : default;
            if (!AddTo(ref sink, directory, record, hash, position + (ulong)record.Length, buffer))
            {
                return false;
            }
        }
        return true;
    }

    private bool AddTo<TSink>(
        ref TSink sink,
        Inode directory,
        scoped DirectoryRecord record,
        NameHash hash,
        ulong next,
        ListingBuffer buffer)
        where TSink : IDirectorySink, allows ref struct
    {
        scoped ReadOnlySpan<byte> name = record.Name;
        Span<byte> encoded = stackalloc byte[NoKeyName.MaxEncodedBytes];
        bool isEncrypted = directory.Has(InodeFlags.Encrypted);
        bool isBad = isEncrypted ? name.Length < NoKeyName.MinCiphertextBytes : name.ContainsAny((byte)'/', (byte)0);
        if (isBad)
        {
            context.Events.Damage(
                new Ext4CorruptException(Corruption.DirectoryName, $"directory {directory.Number}: an impossible name"),
                directory.Number);
            return true;
        }
        if (isEncrypted)
        {
            name = encoded[..NoKeyName.Encode(hash, name, encoded)];
        }
        DirectoryFileType type = settings.HasFileTypes && record.FileType <= DirectoryFileType.Symlink
            ? record.FileType
            : DirectoryFileType.Unknown;
        if (!sink.Add(name, record.Inode, type, next))
        {
            return false;
        }
        buffer.Listed++;
        return true;
    }

    /// <summary>The hashes a leaf is for.</summary>
    private readonly record struct HashRange(uint Lowest, uint Highest);
}
