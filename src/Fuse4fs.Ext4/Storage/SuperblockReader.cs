using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Finds the superblock to work with: the primary one, the one asked for, or, when the primary one is visibly
/// damaged, a backup.</summary>
internal static class SuperblockReader
{
    private const int UnitBytes = 1024;

    /// <summary>Groups that hold a backup under every layout but sparse_super2, which keeps one in group 1.</summary>
    private static readonly uint[] s_backupGroups = [1, 3, 5, 7];

    /// <summary>Reads and checks a superblock.</summary>
    /// <param name="device">The volume.</param>
    /// <param name="requested">sb=, in units of 1024 bytes; null for the primary one.</param>
    /// <param name="events">Told when a backup is taken unasked.</param>
    /// <param name="offsetBytes">Where it was found.</param>
    /// <exception cref="VolumeRefusedException">None can be used.</exception>
    public static Superblock Find(
        IBlockDevice device, ulong? requested, IEngineEvents events, out ulong offsetBytes)
    {
        offsetBytes = requested is { } number
            ? Math.Min(number, long.MaxValue / UnitBytes) * UnitBytes
            : Superblock.PrimaryOffsetBytes;
        Superblock super = default;
        string? problem = TryRead(device, offsetBytes, ref super);
        if (problem is null)
        {
            return super;
        }
        if (requested is not null)
        {
            throw new VolumeRefusedException(VolumeRefusal.NotExt4, $"superblock {requested}: {problem}");
        }
        bool isOurs = super.Magic == Superblock.ExpectedMagic || IsBlank(in super);
        ulong? backup = FindBackup(device, ref super);
        if (backup is null)
        {
            throw new VolumeRefusedException(
                isOurs && super.Magic == Superblock.ExpectedMagic ? VolumeRefusal.Damaged : VolumeRefusal.NotExt4,
                problem);
        }
        if (!isOurs)
        {
            throw new VolumeRefusedException(VolumeRefusal.NotExt4,
                $"{problem}; a backup superblock exists: sb={backup / UnitBytes} would use it");
        }
        events.Warning($"the primary superblock is unusable ({problem}); using the backup sb={backup / UnitBytes} "
            + "read-only; run e2fsck");
        offsetBytes = backup.Value;
        return super;
    }

    /// <summary>Null when it can be used, else what is wrong with it.</summary>
    private static string? TryRead(IBlockDevice device, ulong offsetBytes, ref Superblock super)
    {
        if (device.LengthBytes < Superblock.SizeBytes
            || offsetBytes > (ulong)(device.LengthBytes - Superblock.SizeBytes))
        {
            return "no ext2, ext3 or ext4 file system (too small)";
        }
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<Superblock>(ref super));
        device.Read((long)offsetBytes, bytes);
        if (super.Magic != Superblock.ExpectedMagic)
        {
            return "no ext2, ext3 or ext4 file system (bad magic number)";
        }
        if (((RoCompatFeatures)(uint)super.RoCompat).HasFlag(RoCompatFeatures.MetadataChecksums))
        {
            uint expected = Checksums.OfSuperblock(bytes);
            if (super.Checksum != expected)
            {
                return $"superblock checksum: expected {expected:x8}, found {(uint)super.Checksum:x8}";
            }
        }
        // An external journal has no geometry; the feature gate refuses it by its name.
        if (((IncompatFeatures)(uint)super.Incompat).HasFlag(IncompatFeatures.JournalDevice))
        {
            return null;
        }
        try
        {
            _ = Geometry.Decode(in super, offsetBytes, device.LengthBytes);
            return null;
        }
        catch (VolumeRefusedException refusal)
        {
            return refusal.Message;
        }
    }

    private static ulong? FindBackup(IBlockDevice device, ref Superblock super)
    {
        Superblock candidate = default;
        for (int shift = 10; shift <= 16; shift++)
        {
            foreach (uint group in s_backupGroups)
            {
                ulong blocks = ((ulong)group << (shift + 3)) + (shift == 10 ? 1u : 0u);
                ulong offsetBytes = blocks << shift;
                if (TryRead(device, offsetBytes, ref candidate) is null
                    && candidate.LogBlockSize == (uint)(shift - 10) && candidate.OwnGroup == group)
                {
                    super = candidate;
                    return offsetBytes;
                }
            }
        }
        return null;
    }

    private static bool IsBlank(in Superblock super) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<Superblock>(in super)).IndexOfAnyExcept((byte)0) < 0;
}
