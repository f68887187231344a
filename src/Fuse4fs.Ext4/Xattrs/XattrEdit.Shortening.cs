using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <content>Leaving more of the inode to its fields.</content>
internal sealed partial class XattrEdit
{
    /// <summary>Makes the tail shorter at its front. What does not fit goes to the block, the smallest that is enough
    /// first. Kernel: ext4_xattr_make_inode_space.</summary>
    /// <param name="extraSizeBytes">What the inode's extra size becomes; not smaller than it is.</param>
    /// <returns>False when there is no room; the edit is of no use then.</returns>
    public bool TryShortenTail(int extraSizeBytes)
    {
        int shortened = _tailBytes - (extraSizeBytes - ExtraSizeBytes);
        while (!TryFitTail(shortened))
        {
            if (!TryMoveOne(_tailBytes - shortened))
            {
                return false;
            }
        }
        ExtraSizeBytes = extraSizeBytes;
        IsTailChanged = true;
        return true;
    }

    private bool TryFitTail(int bytes)
    {
        if (bytes < XattrArea.InodeHeaderBytes + sizeof(uint))
        {
            return false;
        }
        Span<byte> fresh = _scratch.AsSpan(0, bytes);
        fresh.Clear();
        XattrAreaBuilder builder = XattrAreaBuilder.ForInode(fresh[XattrArea.InodeHeaderBytes..]);
        if (!builder.TryCopyAll(OpenTail()))
        {
            return false;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(fresh, builder.IsEmpty ? 0 : XattrBlockHeader.ExpectedMagic);
        fresh.CopyTo(_tail);
        _tailBytes = bytes;
        return true;
    }

    /// <summary>Inline data stays where it is.</summary>
    private bool TryMoveOne(int missingBytes)
    {
        XattrEntry chosen = default;
        int best = 0;
        foreach (XattrEntry entry in OpenTail())
        {
            int size = XattrEntryHeader.LengthFor(entry.Suffix.Length) + XattrEntryHeader.Pad(entry.Value.Length);
            bool isBetter = best < missingBytes ? size > best : size >= missingBytes && size < best;
            if (isBetter && !entry.Is(XattrName.InlineData))
            {
                chosen = entry;
                best = size;
            }
        }
        if (best == 0)
        {
            return false;
        }
        var name = new XattrName(chosen.Index, chosen.Suffix.ToArray());
        var value = new XattrValue(
            chosen.Value.ToArray(), chosen.ValueInode, chosen.ValueLength, chosen.Hash);
        return TryRebuildBlock(name, value, isKept: true) && TryRebuildTail(name, default, isKept: false);
    }
}
