using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Allocation;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

/// <summary>Multiple mount protection, against ourselves and the kernel. Refusing and recovering take the seconds that
/// the format prescribes.</summary>
public sealed class MultipleMountTests
{
    private const string Options = "-t ext4 -b 1024 -O mmp -E mmp_update_interval=1";

    [Fact]
    public void While_we_write_nobody_else_can_and_afterwards_all_is_clean()
    {
        using var image = new TestImage(Options);
        using (Volume volume = Open(image.Path, new CollectedEvents()))
        {
            Assert.Equal(Errno.Ok, Create(volume, "file"u8));
            VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
                () => Open(image.Path, new CollectedEvents()));
            Assert.Equal(VolumeRefusal.InUse, refusal.Reason);
            if (Host.NoKernelExt4 is null)
            {
                Assert.Throws<OracleException>(() => new LoopMount(image.Path));
            }
            using (Volume reader = VolumeOpening.ReadOnly(image.Path))
            {
                Assert.True(reader.IsReadOnly);
            }
            Assert.Equal(Errno.Ok, Create(volume, "other"u8));
        }
        Assert.Equal(MmpBlock.Clean, SequenceIn(image.Path));
        image.AssertClean();
        if (Host.NoKernelExt4 is null)
        {
            new LoopMount(image.Path).Dispose();
        }
    }

    [Fact]
    public void A_volume_left_behind_by_a_crash_is_taken_after_a_while()
    {
        using var image = new TestImage(Options);
        using TestImage crashed = image.Copy();
        using (Volume volume = Open(image.Path, new CollectedEvents()))
        {
            Assert.Equal(Errno.Ok, Create(volume, "file"u8));
            Assert.Equal(Errno.Ok, volume.Journal!.CommitAll());
            File.Copy(image.Path, crashed.Path, overwrite: true);
        }
        Assert.NotEqual(MmpBlock.Clean, SequenceIn(crashed.Path));
        using (Volume volume = Open(crashed.Path, new CollectedEvents()))
        {
            Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, "file"u8, out InodeNumber _));
        }
        crashed.AssertClean();
    }

    [Theory]
    [InlineData(12345u)]
    [InlineData(MmpBlock.BeingChecked)]
    public void A_foreign_change_ends_writing_and_is_left_alone(uint foreign)
    {
        using var image = new TestImage(Options);
        var events = new CollectedEvents();
        using (Volume volume = Open(image.Path, events))
        {
            Assert.Equal(Errno.Ok, Create(volume, "file"u8));
            ChangeSequence(image.Path, foreign);
            Assert.True(SpinWait.SpinUntil(() => volume.Context.IsReadOnly, TimeSpan.FromMinutes(1)));
            Assert.Equal(Errno.ReadOnly, Create(volume, "other"u8));
        }
        Assert.Equal(foreign, SequenceIn(image.Path));
        Assert.Contains(events.Warnings, warning => warning.Contains("mounted twice", StringComparison.Ordinal));
        Assert.Contains("Filesystem state:         not clean", Tool.Check("dumpe2fs", "-h", image.Path)
            .Replace("clean with errors", "not clean", StringComparison.Ordinal));
    }

    /// <summary>Frozen, nothing is written, not even the number, for as long as it lasts; at the thaw we look first.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_stands_still_while_frozen_and_notices_who_came_meanwhile(bool comesAnother)
    {
        const uint foreign = 12345;
        const int oftenEnough = 3;
        using var image = new TestImage(Options);
        using (Volume volume = Open(image.Path, new CollectedEvents()))
        {
            Assert.Equal(Errno.Ok, Create(volume, "file"u8));
            Assert.Equal(Errno.Ok, volume.Freeze());
            Assert.Equal(Errno.Busy, volume.Freeze());
            string frozen = image.Hash();
            Thread.Sleep(TimeSpan.FromSeconds(oftenEnough));
            Assert.Equal(frozen, image.Hash());
            uint number = SequenceIn(image.Path);
            if (comesAnother)
            {
                ChangeSequence(image.Path, foreign);
            }
            Assert.Equal(comesAnother ? Errno.InputOutput : Errno.Ok, volume.Thaw());
            Assert.Equal(comesAnother ? Errno.ReadOnly : Errno.Ok, Create(volume, "other"u8));
            Assert.True(comesAnother
                || SpinWait.SpinUntil(() => SequenceIn(image.Path) != number, TimeSpan.FromMinutes(1)));
        }
        Assert.Equal(comesAnother ? foreign : MmpBlock.Clean, SequenceIn(image.Path));
    }

    [Fact]
    public void E2fsck_at_work_and_a_damaged_block_are_refused_at_once()
    {
        using var image = new TestImage(Options);
        ChangeSequence(image.Path, MmpBlock.BeingChecked);
        VolumeRefusedException refusal = Assert.Throws<VolumeRefusedException>(
            () => Open(image.Path, new CollectedEvents()));
        Assert.Equal(VolumeRefusal.InUse, refusal.Reason);
        using (FileStream stream = File.OpenWrite(image.Path))
        {
            stream.Position = Locate(image.Path);
            stream.Write(new byte[4]);
        }
        refusal = Assert.Throws<VolumeRefusedException>(() => Open(image.Path, new CollectedEvents()));
        Assert.Equal(VolumeRefusal.Damaged, refusal.Reason);
    }

    /// <summary>An image may name any number of seconds, in its superblock and in the block: nobody waits for hours.
    /// </summary>
    [Fact]
    public void An_image_cannot_make_its_mount_wait_for_hours()
    {
        using var image = new TestImage(Options);
        Debugfs.Write(image.Path, "ssv mmp_interval 65535");
        using (Open(image.Path, new CollectedEvents()))
        {
            Assert.InRange(FieldsIn(image.Path).CheckSeconds, 5, 300);
        }
        Change(image.Path, static (ref MmpBlock fields) =>
        {
            fields.Sequence = 77;
            fields.CheckSeconds = ushort.MaxValue;
        });
        var events = new ImpatientEvents();
        Assert.Throws<TimeoutException>(() => Open(image.Path, events));
        Match seconds = Regex.Match(events.Said, @"waiting (\d+) seconds");
        Assert.True(seconds.Success, events.Said);
        Assert.InRange(int.Parse(seconds.Groups[1].Value, CultureInfo.InvariantCulture), 10, 720);
    }

    private static Volume Open(string path, IEngineEvents events)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(path, isReadOnly: false, 0, isExclusive: false, out ImageFile? device));
        return Volume.Open(device!, new VolumeOptions { Events = events });
    }

    private static Errno Create(Volume volume, ReadOnlySpan<byte> name) =>
        volume.Create(InodeNumber.Root, name, 0x1A4, new Caller(0, 0), out _);

    private static long Locate(string path) =>
        (long)Dumpe2fs.Number(Tool.Check("dumpe2fs", "-h", path), "MMP block number") * 1024;

    private static uint SequenceIn(string path) => FieldsIn(path).Sequence;

    private static MmpBlock FieldsIn(string path)
    {
        using FileStream stream = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] block = new byte[1024];
        stream.Position = Locate(path);
        stream.ReadExactly(block);
        return Disk.At<MmpBlock>(block, 0);
    }

    private static void ChangeSequence(string path, uint sequence) =>
        Change(path, (ref MmpBlock fields) => fields.Sequence = sequence);

    /// <summary>As somebody else would, checksum included.</summary>
    private static void Change(string path, FieldChange change)
    {
        using FileStream stream = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        byte[] block = new byte[1024];
        stream.Position = Locate(path);
        stream.ReadExactly(block);
        change(ref Disk.At<MmpBlock>(block.AsSpan(), 0));
        byte[] super = new byte[1024];
        stream.Position = 1024;
        stream.ReadExactly(super);
        Geometry geometry = Geometry.Decode(in Disk.At<Superblock>(super, 0), 1024, stream.Length);
        Disk.At<Le32>(block.AsSpan(), MmpBlock.ChecksumOffset) = new Checksums(geometry).OfMmpBlock(block);
        stream.Position = Locate(path);
        stream.Write(block);
    }

    private delegate void FieldChange(ref MmpBlock fields);

    /// <summary>Gives up as soon as it is told of a long wait.</summary>
    private sealed class ImpatientEvents : IEngineEvents
    {
        public string Said { get; private set; } = "";

        public void Damage(Ext4CorruptException damage, InodeNumber inode)
        {
        }

        public void Warning(string message)
        {
            Said = message;
            throw new TimeoutException(message);
        }

        public void DeviceFailed(DeviceException failure)
        {
        }
    }
}
