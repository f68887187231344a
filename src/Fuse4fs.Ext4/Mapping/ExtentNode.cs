using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>A node of an extent tree in place: the root in the inode or a whole block. Once <see cref="Validate"/> has
/// returned, every entry can be read.</summary>
/// <remarks>Docs: ext4/ifork, "Extent Tree".</remarks>
internal readonly ref struct ExtentNode
{
    private readonly Span<byte> _bytes;

    public ExtentNode(Span<byte> bytes) => _bytes = bytes;

    public ref ExtentHeader Header => ref Disk.At<ExtentHeader>(_bytes, 0);

    public int Count => Header.EntryCount;

    public int Depth => Header.Depth;

    public Span<byte> Bytes => _bytes;

    /// <summary>An entry of a leaf.</summary>
    public ref ExtentEntry Entry(int index) => ref Disk.At<ExtentEntry>(_bytes, (index + 1) * ExtentHeader.SizeBytes);

    /// <summary>An entry of an inner node.</summary>
    public ref ExtentIndex Index(int index) => ref Disk.At<ExtentIndex>(_bytes, (index + 1) * ExtentHeader.SizeBytes);

    /// <summary>First file block of an entry of either kind: both begin with it.</summary>
    public uint FirstFileBlock(int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(_bytes[((index + 1) * ExtentHeader.SizeBytes)..]);

    /// <summary>The last entry that begins at or before a file block; -1 when all begin behind it.</summary>
    public int Find(uint fileBlock)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (FirstFileBlock(middle) <= fileBlock)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low - 1;
    }

    /// <summary>Checks header and entries against what the level above says. Kernel: __ext4_ext_check.</summary>
    /// <param name="place">Where this node is in its tree.</param>
    /// <param name="geometry">Bounds of the volume.</param>
    /// <exception cref="Ext4CorruptException">Something is impossible.</exception>
    public void Validate(in ExtentNodePlace place, Geometry geometry)
    {
        ref readonly ExtentHeader header = ref Header;
        if (header.Magic != ExtentHeader.ExpectedMagic)
        {
            Ext4CorruptException.Throw(
                Corruption.ExtentMagic, $"{place.Describe()}: magic {(ushort)header.Magic:x4}",
                place.Inode, place.Block);
        }
        bool isDepthRight = place.IsRoot ? header.Depth <= ExtentHeader.MaximumDepth : header.Depth == place.Depth;
        if (!isDepthRight)
        {
            Ext4CorruptException.Throw(
                Corruption.ExtentDepth, $"{place.Describe()}: depth {(ushort)header.Depth}", place.Inode, place.Block);
        }
        int fits = ExtentHeader.EntriesThatFit(_bytes.Length);
        if (header.MaximumEntries == 0 || header.MaximumEntries > fits || header.EntryCount > header.MaximumEntries
            || (header.EntryCount == 0 && (header.Depth > 0 || !place.IsRoot)))
        {
            Ext4CorruptException.Throw(Corruption.ExtentCount,
                $"{place.Describe()}: {(ushort)header.EntryCount} of {(ushort)header.MaximumEntries} entries",
                place.Inode, place.Block);
        }
        ValidateEntries(in place, geometry);
    }

    private void ValidateEntries(in ExtentNodePlace place, Geometry geometry)
    {
        int count = Count;
        bool isLeaf = Depth == 0;
        ulong previousEnd = place.First;
        for (int i = 0; i < count; i++)
        {
            uint first = FirstFileBlock(i);
            uint length = isLeaf ? Entry(i).LengthBlocks : 1;
            FsBlock start = isLeaf ? Entry(i).Start : Index(i).Node;
            bool isOrdered = first >= previousEnd && (ulong)first + length <= place.End && length > 0;
            if (!isOrdered || (i == 0 && !place.IsRoot && first != place.First))
            {
                Ext4CorruptException.Throw(
                    Corruption.ExtentOrder, $"{place.Describe()}: entry {i} at file block {first}, length {length}",
                    place.Inode, place.Block);
            }
            if (!geometry.IsDataRange(start, length))
            {
                Ext4CorruptException.Throw(
                    Corruption.BlockOutOfVolume, $"{place.Describe()}: entry {i} at block {start}, length {length}",
                    place.Inode, place.Block);
            }
            previousEnd = (ulong)first + length;
        }
    }
}
