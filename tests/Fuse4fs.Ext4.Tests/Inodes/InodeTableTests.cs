using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Inodes;

public sealed class InodeTableTests
{
    [Fact]
    public void While_referred_to_a_number_has_one_object()
    {
        using var image = new TestImage("-t ext4 -b 1024", 16L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        var table = new InodeTable(volume.Context, 16);
        Assert.Equal(Errno.Ok, table.Acquire(InodeNumber.Root, out InodeReference first));
        var seen = new HashSet<Inode>();
        Parallel.For(0, 1000, _ =>
        {
            table.Acquire(InodeNumber.Root, out InodeReference again);
            lock (seen)
            {
                seen.Add(again.Inode);
            }
            again.Dispose();
        });
        Assert.Same(first.Inode, Assert.Single(seen));
        first.Dispose();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(7u)]
    [InlineData(8u)]
    public void Reserved_inodes_are_stale_to_who_asks_and_damage_in_a_directory(uint number)
    {
        using var image = new TestImage("-t ext4 -b 1024", 16L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        Assert.Equal(Errno.Stale, volume.GetAttributes(new InodeNumber(number), out _));
        Ext4CorruptException damage = Assert.Throws<Ext4CorruptException>(
            () => volume.Inodes.Acquire(new InodeNumber(number), out _));
        Assert.Equal(Corruption.InodeNumberRange, damage.Kind);
    }

    [Fact]
    public void Numbers_beyond_the_tables_are_damage()
    {
        using var image = new TestImage("-t ext4 -b 1024", 16L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        Ext4CorruptException damage = Assert.Throws<Ext4CorruptException>(
            () => volume.GetAttributes(new InodeNumber(uint.MaxValue), out _));
        Assert.Equal(Corruption.InodeNumberRange, damage.Kind);
    }

    [Fact]
    public void Inodes_not_in_use_are_stale_and_leave_nothing_behind()
    {
        using var image = new TestImage("-t ext4 -b 1024", 16L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        Assert.Equal(Errno.Stale, volume.GetAttributes(new InodeNumber(500), out _));
    }

    [Fact]
    public void A_flipped_bit_is_found_by_the_checksum()
    {
        using var image = new TestImage("-t ext4 -b 1024", 16L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        var table = new InodeTable(volume.Context, 16);
        (FsBlock block, int offset) = table.Locate(InodeNumber.Root);
        using (FileStream stream = File.Open(image.Path, FileMode.Open))
        {
            stream.Position = ((long)block.Value * 1024) + offset + 4;
            int value = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(value ^ 4));
        }
        VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
            () => VolumeOpening.ReadOnly(image.Path));
        Assert.Contains("InodeChecksum", refusal.Message);
    }
}
