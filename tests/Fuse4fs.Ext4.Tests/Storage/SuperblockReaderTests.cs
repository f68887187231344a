using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

public sealed class SuperblockReaderTests
{
    [Theory]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096")]
    [InlineData("-t ext4 -b 2048 -O ^metadata_csum")]
    [InlineData("-t ext4 -b 1024 -O sparse_super2,^resize_inode")]
    public void A_blank_primary_superblock_is_replaced_by_a_backup(string options)
    {
        using var image = new TestImage(options, 256L << 20);
        Change(image.Path, super => super.Clear());
        var events = new RecordedEvents();
        using Volume volume = VolumeOpening.ReadOnly(image.Path, events);
        Assert.True(volume.Context.Geometry.IsBackup);
        Assert.Contains(events.Warnings, warning => warning.Contains("backup", StringComparison.Ordinal));
        volume.GetAttributes(InodeNumber.Root, out InodeAttributes root);
        Assert.Equal(FileKind.Directory, root.Kind);
    }

    [Fact]
    public void A_backup_is_never_written()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Change(image.Path, super => super[0x3FC] ^= 1);
        var events = new RecordedEvents();
        using Volume volume = Volume.Open(
            VolumeOpening.Device(image.Path, isReadOnly: false), new VolumeOptions { Events = events });
        Assert.True(volume.IsReadOnly);
        Assert.Contains(events.Warnings, warning => warning.Contains("checksum", StringComparison.Ordinal));
    }

    [Fact]
    public void The_backup_asked_for_is_used()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        using Volume volume = VolumeOpening.ReadOnly(image.Path, superblock: 8193);
        Assert.Equal(8193ul, volume.Context.Geometry.SuperblockBlock.Value);
    }

    [Fact]
    public void Something_else_with_an_old_backup_is_not_taken_for_ext4()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Change(image.Path, super => super.Fill(0x58));
        VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
            () => VolumeOpening.ReadOnly(image.Path));
        Assert.Equal(VolumeRefusal.NotExt4, refusal.Reason);
        Assert.Contains("sb=8193", refusal.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1500)]
    [InlineData(1 << 20)]
    public void A_file_of_zeros_is_no_file_system(int size)
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("zeros");
        TestImage.CreateSparse(path, size);
        Assert.Equal(VolumeRefusal.NotExt4,
            Assert.Throws<VolumeRefusedException>(() => VolumeOpening.ReadOnly(path)).Reason);
    }

    [Fact]
    public void Unknown_features_are_refused_by_name_or_make_the_volume_read_only()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Change(image.Path, super => MemoryMarshal.AsRef<Superblock>(super).Incompat |= 0x40001000u);
        VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
            () => VolumeOpening.ReadOnly(image.Path));
        Assert.Equal(VolumeRefusal.Feature, refusal.Reason);
        Assert.Contains("dirdata FEATURE_I30", refusal.Message);

        using var second = new TestImage("-t ext4 -b 1024");
        Change(second.Path, super => MemoryMarshal.AsRef<Superblock>(super).RoCompat |= 0x20000000u);
        var events = new RecordedEvents();
        using Volume volume = Volume.Open(
            VolumeOpening.Device(second.Path, isReadOnly: false), new VolumeOptions { Events = events });
        Assert.True(volume.IsReadOnly);
        Assert.Contains(events.Warnings, warning => warning.Contains("FEATURE_R29", StringComparison.Ordinal));
    }

    [Fact]
    public void A_truncated_image_is_refused()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        using (FileStream stream = File.OpenWrite(image.Path))
        {
            stream.SetLength(TestImage.DefaultSizeBytes - 1024);
        }
        Assert.Equal(VolumeRefusal.Damaged,
            Assert.Throws<VolumeRefusedException>(() => VolumeOpening.ReadOnly(image.Path)).Reason);
    }

    /// <summary>Sizes and counts that the kernel does not mount; debugfs puts the checksum right. A backup may be good.
    /// </summary>
    [Theory]
    [InlineData("-t ext4", "first_meta_bg 842150400", "-O meta_bg,^resize_inode")]
    [InlineData("-t ext4", "first_meta_bg 2", "-O meta_bg,^resize_inode")]
    [InlineData("-t ext4", "inodes_per_group 0")]
    [InlineData("-t ext4", "blocks_per_group 7")]
    [InlineData("-t ext4", "log_block_size 9")]
    [InlineData("-t ext4", "desc_size 48")]
    [InlineData("-t ext4", "inode_size 100")]
    [InlineData("-t ext4", "inodes_count 12345")]
    [InlineData("-t ext4", "blocks_count 99999999")]
    [InlineData("-t ext4", "first_ino 5")]
    public void Of_a_superblock_that_the_kernel_does_not_mount_nothing_is_used(string options, string value, string features = "")
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage($"{options} {features}".TrimEnd());
        Tool.Run("debugfs", "-w", "-R", $"ssv {value}", image.Path);
        Assert.Throws<OracleException>(() => new LoopMount(image.Path, "ro").Dispose());
        var events = new RecordedEvents();
        using Volume volume = VolumeOpening.ReadOnly(image.Path, events);
        Assert.True(volume.Context.Geometry.IsBackup);
        Assert.Contains(events.Warnings, static warning => warning.Contains("is damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void Recorded_errors_are_told_and_do_not_hinder()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Change(image.Path, super => MemoryMarshal.AsRef<Superblock>(super).State = (ushort)VolumeStates.Errors);
        var events = new RecordedEvents();
        using Volume volume = VolumeOpening.ReadOnly(image.Path, events);
        Assert.Contains(events.Warnings, warning => warning.Contains("e2fsck", StringComparison.Ordinal));
    }

    [Fact]
    public void An_external_journal_is_no_file_system()
    {
        using var image = new TestImage("-O journal_dev", 8L << 20);
        Assert.Equal(VolumeRefusal.JournalDevice,
            Assert.Throws<VolumeRefusedException>(() => VolumeOpening.ReadOnly(image.Path)).Reason);
    }

    private delegate void SuperblockChange(Span<byte> superblock);

    /// <summary>Changes the primary superblock; unless the change blanks or breaks it on purpose, the checksum follows.
    /// </summary>
    private static void Change(string path, SuperblockChange change)
    {
        byte[] bytes = new byte[Superblock.SizeBytes];
        using FileStream stream = File.Open(path, FileMode.Open);
        stream.Position = Superblock.PrimaryOffsetBytes;
        stream.ReadExactly(bytes);
        uint before = MemoryMarshal.AsRef<Superblock>(bytes.AsSpan()).Checksum;
        change(bytes);
        ref Superblock super = ref MemoryMarshal.AsRef<Superblock>(bytes.AsSpan());
        if (super.Magic == Superblock.ExpectedMagic && super.Checksum == before)
        {
            super.Checksum = Checksums.OfSuperblock(bytes);
        }
        stream.Position = Superblock.PrimaryOffsetBytes;
        stream.Write(bytes);
    }
}
