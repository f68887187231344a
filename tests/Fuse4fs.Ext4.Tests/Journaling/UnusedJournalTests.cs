using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>noload: a volume is written to without its journal, if it does not need it.</summary>
public sealed class UnusedJournalTests
{
    [Theory]
    [InlineData("-t ext4")]
    [InlineData("-t ext3")]
    public void A_clean_volume_is_changed_and_its_log_stays_as_it_was(string options)
    {
        using var image = new TestImage(options, 16L << 20);
        string before = Tool.Check("dumpe2fs", "-h", image.Path).Split("Journal features")[1];
        MemoryDevice device = MemoryDevice.Load(image.Path);
        using (Volume volume = Volume.Open(device, new VolumeOptions { LoadJournal = false }))
        {
            Assert.False(volume.IsReadOnly);
            Assert.False(volume.Journal!.HasLog);
            Assert.Equal(Errno.Ok, volume.Create(
                InodeNumber.Root, "file"u8, 0x1A4, new Caller(0, 0), out InodeAttributes made));
            Assert.Equal(Errno.Ok, volume.Write(made.Number, 0, new byte[50_000], default, out _));
            Assert.Equal(Errno.Ok, volume.SyncAll());
        }
        device.Save(image.Path);
        image.AssertClean();
        Assert.Equal(before, Tool.Check("dumpe2fs", "-h", image.Path).Split("Journal features")[1]);
        Assert.Contains("50000", Debugfs.Read(image.Path, "ls -l /"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_that_needs_recovery_is_only_read()
    {
        using var image = new TestImage("-t ext4", 16L << 20);
        Tool.Check("debugfs", "-w", "-R", "feature +needs_recovery", image.Path);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        byte[] bytes = (byte[])device.Bytes.Clone();
        VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
            () => Volume.Open(MemoryDevice.Load(image.Path), new VolumeOptions { LoadJournal = false }));
        Assert.Equal(VolumeRefusal.Journal, refusal.Reason);
        using (Volume volume = Volume.Open(device, new VolumeOptions { LoadJournal = false, ReadOnly = true }))
        {
            Assert.True(volume.IsReadOnly);
        }
        Assert.Equal(bytes, device.Bytes);
    }
}
