using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Tells whether devices are all the members of one volume, in their order: nothing on them says so, but much of
/// ext4's metadata is only right in its own place.</summary>
/// <remarks>Witnesses are copies of the superblock (which name their group), group descriptors (whose checksum includes
/// their group) and inodes (whose checksum includes their number). A member whose witnesses are all wrong is not where it
/// belongs; one that has none is not proven to be. With a dirty journal all of these still agree with themselves.</remarks>
public sealed class StripeCheck
{
    /// <summary>Groups looked at: more are passed over evenly.</summary>
    private const uint MostGroups = 4096;

    /// <summary>Strips of a group's inode table looked at: how long that is, is for the volume to say.</summary>
    private const int MostStripsOfTable = 256;

    private readonly StripedDevice _device;
    private readonly IReadOnlyList<string> _names;
    private readonly int[] _right;
    private readonly int[] _wrong;

    private StripeCheck(StripedDevice device, IReadOnlyList<string> names)
    {
        _device = device;
        _names = names;
        _right = new int[names.Count];
        _wrong = new int[names.Count];
    }

    /// <summary>Looks at a set.</summary>
    /// <param name="device">The set as given.</param>
    /// <param name="names">What its members are called, in the same order.</param>
    /// <param name="unproven">Members that hold nothing that proves their place.</param>
    /// <returns>Null, or one sentence that names the member that is wrong.</returns>
    public static string? FindProblem(StripedDevice device, IReadOnlyList<string> names, out IReadOnlyList<string> unproven)
    {
        var check = new StripeCheck(device, names);
        unproven = [];
        string? problem = check.CheckFirst(out Superblock super) ?? check.CheckLengths(in super);
        if (problem is not null)
        {
            return problem;
        }
        try
        {
            check.LookAtGroups(Geometry.Decode(in super, Superblock.PrimaryOffsetBytes, device.LengthBytes), in super);
        }
        catch (VolumeRefusedException refusal)
        {
            return $"{names[0]}: {refusal.Message}";
        }
        unproven = [.. names.Where((_, i) => check._right[i] == 0)];
        return check.Verdict();
    }

    private string? CheckFirst(out Superblock super)
    {
        super = default;
        for (int i = 0; i < _names.Count; i++)
        {
            IBlockDevice member = _device.Members[i];
            Superblock found = default;
            if (member.LengthBytes >= Superblock.PrimaryOffsetBytes + Superblock.SizeBytes)
            {
                member.Read(Superblock.PrimaryOffsetBytes, MemoryMarshal.AsBytes(new Span<Superblock>(ref found)));
            }
            bool isFirst = found.Magic == Superblock.ExpectedMagic && found.OwnGroup == 0;
            if (isFirst && i > 0)
            {
                return $"{_names[i]}: begins with the superblock, so it is the first member, not number {i + 1}";
            }
            if (i == 0)
            {
                super = found;
            }
        }
        return super.Magic == Superblock.ExpectedMagic
            ? null
            : $"{_names[0]}: does not begin with a superblock, so it is not the first member";
    }

    private string? CheckLengths(in Superblock super)
    {
        const uint largestLog = 6;
        if (super.LogBlockSize > largestLog)
        {
            return $"{_names[0]}: the superblock is damaged";
        }
        ulong blocks = super.BlockCountLow | ((ulong)(uint)super.BlockCountHigh << 32);
        int shift = 10 + (int)(uint)super.LogBlockSize;
        if (blocks > (ulong)(long.MaxValue >> shift))
        {
            return $"{_names[0]}: the superblock is damaged";
        }
        long needed = (long)(blocks << shift);
        string[] shorts = [.. _names.Where((_, i) => _device.Members[i].LengthBytes < _device.Layout.Before(i, needed))];
        if (shorts.Length == 0)
        {
            return null;
        }
        int first = _names.ToList().IndexOf(shorts[0]);
        string numbers = string.Create(CultureInfo.InvariantCulture,
            $"{_device.Members[first].LengthBytes} bytes where {_device.Layout.Before(first, needed)} are needed");
        return shorts.Length == _names.Count
            ? $"{shorts[0]} and all others: {numbers}; a member is missing"
            : $"{shorts[0]}: too short, {numbers}";
    }

    private void LookAtGroups(Geometry geometry, in Superblock super)
    {
        var checksums = new Checksums(geometry);
        uint step = Math.Max(1, geometry.GroupCount / MostGroups);
        byte[] block = new byte[geometry.BlockSizeBytes];
        byte[] descriptor = new byte[geometry.DescriptorSizeBytes];
        Saw(0, isRight: true);
        for (uint number = 0; number < geometry.GroupCount; number += step)
        {
            var group = new GroupNumber(number);
            if (number > 0 && geometry.HasSuperblock(group))
            {
                LookAtSuperblock(geometry, group, in super, block);
            }
            (FsBlock at, int offset) = geometry.DescriptorOf(group);
            long address = ((long)at.Value << geometry.BlockSizeShift) + offset;
            _device.Read(address, descriptor);
            var view = new GroupDescriptorView(descriptor);
            if (geometry.HasGroupChecksums)
            {
                Saw(address, view.Checksum == checksums.OfGroupDescriptor(group, descriptor));
            }
            if (geometry.HasMetadataChecksums && geometry.IsDataRange(view.InodeTable, geometry.InodeTableBlocks)
                && (view.Flags & GroupFlags.InodesUninitialized) == 0)
            {
                LookAtInodes(geometry, checksums, group, view, block);
            }
        }
    }

    private void LookAtSuperblock(Geometry geometry, GroupNumber group, in Superblock super, byte[] block)
    {
        long address = (long)geometry.FirstBlock(group).Value << geometry.BlockSizeShift;
        _device.Read(address, block);
        Superblock copy = MemoryMarshal.Read<Superblock>(block);
        // Very old programs leave the number of the group at 0.
        bool isRight = copy.Magic == Superblock.ExpectedMagic && (copy.OwnGroup == 0 || copy.OwnGroup == (ushort)group.Value)
            && copy.BlocksPerGroup == super.BlocksPerGroup && copy.InodesPerGroup == super.InodesPerGroup;
        Saw(address, isRight);
    }

    /// <summary>One block of inodes in each strip of the part of the table that is in use.</summary>
    private void LookAtInodes(
        Geometry geometry, Checksums checksums, GroupNumber group, GroupDescriptorView view, byte[] block)
    {
        long table = (long)view.InodeTable.Value << geometry.BlockSizeShift;
        uint used = geometry.InodesPerGroup - Math.Min(view.UnusedInodes, geometry.InodesPerGroup);
        long end = table + ((long)used * geometry.InodeSizeBytes);
        long address = table;
        for (int strips = 0; strips < MostStripsOfTable && address < end; strips++)
        {
            _device.Read(address, block);
            uint first = (uint)((address - table) / geometry.InodeSizeBytes);
            for (int i = 0; i < geometry.InodesPerBlock && first + i < used; i++)
            {
                ReadOnlySpan<byte> inode = block.AsSpan(i * geometry.InodeSizeBytes, geometry.InodeSizeBytes);
                if (inode.ContainsAnyExcept((byte)0))
                {
                    var number = new InodeNumber((group.Value * geometry.InodesPerGroup) + first + (uint)i + 1);
                    const int generationOffset = 0x64;
                    uint generation = BinaryPrimitives.ReadUInt32LittleEndian(inode[generationOffset..]);
                    uint sum = Checksums.OfInode(checksums.InodeSeed(number, generation), inode);
                    Saw(address, sum == Checksums.StoredInInode(inode));
                }
            }
            _ = _device.Layout.Find(address, out _, out long rest);
            address += Math.Max(rest, geometry.BlockSizeBytes);
        }
    }

    private void Saw(long address, bool isRight)
    {
        int member = _device.Layout.Find(address, out _, out _);
        (isRight ? _right : _wrong)[member]++;
    }

    private string? Verdict()
    {
        string[] misplaced = [.. _names.Where((_, i) => _right[i] == 0 && _wrong[i] > 0)];
        string width = string.Create(CultureInfo.InvariantCulture, $"{_device.Layout.WidthBytes}");
        return misplaced.Length == 0
            ? null
            : $"{string.Join(", ", misplaced)}: not in the place of number "
                + string.Join(", ", misplaced.Select(name => _names.ToList().IndexOf(name) + 1))
                + $" of this set; the order is wrong, or one is missing, or strips are not {width} bytes long";
    }
}
