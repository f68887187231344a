using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Lists directories with positions that stay valid while names come and go: in hash order wherever the
/// directory is indexed or may become so, else by place. Needs the directory's lock, shared or exclusively.</summary>
internal sealed class DirectoryLister
{
    /// <summary>How much of a directory the device is asked for when a listing begins: in hash order its blocks are read
    /// from all over it.</summary>
    private const uint ReadAheadBytes = 8 << 20;

    private readonly VolumeContext _context;
    private readonly DirectoryBlocks _blocks;
    private readonly DirectoryFinder _finder;
    private readonly DirectorySettings _settings;
    private readonly HashOrderListing _byHash;
    private readonly PlaceOrderListing _byPlace;
    private readonly ListingPositions _positions = new();

    public DirectoryLister(
        VolumeContext context,
        DirectoryBlocks blocks,
        HashTree tree,
        InlineDirectories inline,
        DirectoryFinder finder,
        DirectorySettings settings)
    {
        _context = context;
        _blocks = blocks;
        _finder = finder;
        _settings = settings;
        var emitter = new EntryEmitter(context, settings);
        _byHash = new HashOrderListing(blocks, tree, inline, settings, emitter);
        _byPlace = new PlaceOrderListing(context.Geometry.BlockSizeShift, blocks, inline, emitter);
    }

    /// <summary>Lists from a cookie on until the sink is full or the directory ends.</summary>
    /// <param name="directory">A directory.</param>
    /// <param name="cookie">0, or one the sink was given.</param>
    /// <param name="sink">Takes the entries; must not call back into the volume.</param>
    /// <exception cref="Ext4CorruptException">The first block to be listed is damaged. Damage behind entries already
    /// taken ends the listing; continuing it then meets the damage.</exception>
    public void List<TSink>(Inode directory, ulong cookie, ref TSink sink)
        where TSink : IDirectorySink, allows ref struct
    {
        ListingPosition position = _positions.Take(directory, cookie);
        try
        {
            bool isResumed = position.Resume(directory, cookie);
            if (isResumed || ListDots(directory, ref cookie, ref sink, position))
            {
                ListNames(directory, cookie, ref sink, position);
            }
        }
        catch (Ext4CorruptException) when (position.Listed > 0)
        {
            // Reported when the caller continues.
        }
        finally
        {
            position.Pause(directory);
            _positions.Keep(position);
        }
    }

    private bool ListDots<TSink>(Inode directory, ref ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        if (cookie == 0)
        {
            if (!sink.Add("."u8, directory.Number, DirectoryFileType.Directory, ListingCookie.DotDot))
            {
                return false;
            }
            position.Listed++;
            position.Cookie = cookie = ListingCookie.DotDot;
        }
        if (cookie == ListingCookie.DotDot)
        {
            bool isFound = _finder.Find(directory, ".."u8, out EntryPlace parent) == Errno.Ok;
            if (isFound && !sink.Add(".."u8, parent.Inode, DirectoryFileType.Directory, ListingCookie.FirstName))
            {
                return false;
            }
            position.Listed += isFound ? 1 : 0;
            position.Cookie = cookie = ListingCookie.FirstName;
        }
        return true;
    }

    private void ListNames<TSink>(Inode directory, ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        bool isInline = directory.Has(InodeFlags.InlineData);
        if (_settings.HasIndex && !isInline && directory.Has(InodeFlags.HashIndexed) && !directory.HasDamagedIndex)
        {
            try
            {
                if (cookie == ListingCookie.FirstName)
                {
                    _blocks.ReadAhead(directory, ReadAheadBytes);
                }
                _byHash.ListByIndex(directory, layout, cookie, ref sink, position);
                return;
            }
            catch (Ext4CorruptException damage) when (damage.Kind is Corruption.HashTreeRoot or Corruption.HashTreeNode)
            {
                directory.HasDamagedIndex = true;
                position.IsAtLeaf = false;
                _context.Events.Damage(damage, directory.Number);
                if (cookie != ListingCookie.FirstName || position.Listed > 2)
                {
                    throw; // positions by hash were given out already: only a new listing can go by place
                }
            }
        }
        else if (_settings.HasIndex && (isInline || _blocks.CountOf(directory) == 1))
        {
            _byHash.ListOneLeaf(directory, layout, cookie, ref sink, position);
            return;
        }
        _byPlace.List(directory, layout, cookie, ref sink, position);
    }
}
