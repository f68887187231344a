using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Walks the tags of a descriptor block; each step stays inside the block.</summary>
/// <remarks>Docs: ext4/journal, "Descriptor Block". The flags are the 16 bits at offset 6 in every version;
/// the high half of the block number is at offset 8 wherever there is one.</remarks>
internal ref struct BlockTagReader(JournalGeometry geometry, ReadOnlySpan<byte> descriptor)
{
    private const int UuidBytes = 16;

    private readonly ReadOnlySpan<byte> _descriptor = descriptor;
    private int _offset = JournalBlockHeader.SizeBytes;

    /// <summary>The tag that <see cref="MoveNext"/> came to.</summary>
    public BlockTag Current { get; private set; }

    /// <summary>False behind the last tag.</summary>
    public bool MoveNext()
    {
        if ((Current.Flags & LoggedBlockFlags.Last) != 0 || _offset + geometry.TagBytes > geometry.PayloadEnd)
        {
            return false;
        }
        ReadOnlySpan<byte> tag = _descriptor.Slice(_offset, geometry.TagBytes);
        ulong home = BinaryPrimitives.ReadUInt32BigEndian(tag);
        if (geometry.Has64Bit)
        {
            home |= (ulong)BinaryPrimitives.ReadUInt32BigEndian(tag[8..]) << 32;
        }
        uint checksum = geometry.HasChecksumV3
            ? BinaryPrimitives.ReadUInt32BigEndian(tag[12..])
            : BinaryPrimitives.ReadUInt16BigEndian(tag[4..]);
        Current = new BlockTag(
            new FsBlock(home), (LoggedBlockFlags)BinaryPrimitives.ReadUInt16BigEndian(tag[6..]), checksum);
        _offset += geometry.TagBytes;
        if ((Current.Flags & LoggedBlockFlags.SameUuid) == 0)
        {
            _offset += UuidBytes;
        }
        return true;
    }
}
