using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What the root of a directory's index says of the whole tree.</summary>
/// <remarks>8 bytes at 0x18 of block 0, behind "." and "..". Kernel: struct dx_root_info.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct HashTreeRoot
{
    public const int InfoOffset = 0x18;

    public const int InfoBytes = 8;

    public Le32 ReservedZero;

    public HashVersion HashVersion;

    /// <summary>info_length: <see cref="InfoBytes"/>.</summary>
    public byte InfoLength;

    /// <summary>Levels of nodes between the root and the leaves.</summary>
    public byte IndirectLevels;

    public byte UnusedFlags;

    /// <summary>Decodes and validates the root.</summary>
    /// <param name="block">Block 0 of the directory; its checksum was verified.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="maximumIndirectLevels">1, or 2 with large_dir.</param>
    /// <exception cref="Ext4CorruptException">Something the index cannot be used with.</exception>
    public static HashTreeRoot Decode(ReadOnlySpan<byte> block, in DirectoryLayout layout, int maximumIndirectLevels)
    {
        ref readonly HashTreeRoot root = ref Disk.At<HashTreeRoot>(block, InfoOffset);
        bool isKnown = layout.HasStoredHash
            ? root.HashVersion == HashVersion.SipHash
            : root.HashVersion <= HashVersion.Tea;
        if (!isKnown)
        {
            Throw(layout, $"hash version {(byte)root.HashVersion}");
        }
        if (root.InfoLength != InfoBytes || root.ReservedZero != 0 || (root.UnusedFlags & 1) != 0)
        {
            Throw(layout, $"info length {root.InfoLength}, flags {root.UnusedFlags}");
        }
        if (root.IndirectLevels > maximumIndirectLevels)
        {
            Throw(layout, $"{root.IndirectLevels} levels of at most {maximumIndirectLevels}");
        }
        return root;
    }

    [DoesNotReturn]
    private static void Throw(in DirectoryLayout layout, string what) =>
        Ext4CorruptException.Throw(Corruption.HashTreeRoot, $"index of directory {layout.Directory}: {what}");
}
