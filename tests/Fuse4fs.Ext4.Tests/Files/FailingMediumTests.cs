using System.Globalization;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>A medium that fails while a file is changed: documented errors, and e2fsck finds nothing that a crash would
/// not explain.</summary>
public sealed class FailingMediumTests
{
    [Theory]
    [InlineData(Failing.Reads, false, 1)]
    [InlineData(Failing.Reads, true, 2)]
    [InlineData(Failing.Writes, false, 3)]
    [InlineData(Failing.Writes, true, 4)]
    [InlineData(Failing.Flushes, false, 5)]
    public void Failures_are_errors_and_the_volume_stays_whole(Failing what, bool isForEver, int seed)
    {
        using var contents = new TemporaryDirectory();
        File.WriteAllBytes(contents.Combine("file"), []);
        using var image = new TestImage("-t ext4 -b 1024 -J size=1", 16L << 20, contents.Path);
        var number = new InodeNumber(uint.Parse(
            Debugfs.Read(image.Path, "stat /file").Split("Inode: ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
        byte[] initial = File.ReadAllBytes(image.Path);
        var random = new Random(seed);
        for (int round = 0; round < 12; round++)
        {
            var memory = new MemoryDevice((byte[])initial.Clone());
            using var device = new FaultyDevice(memory);
            using (Volume volume = Volume.Open(device, new VolumeOptions { CacheBytes = 1 << 18 }))
            {
                int nth = random.Next(1, what == Failing.Flushes ? 6 : 120);
                device.Fail(what, nth, isForEver);
                Work(volume, number, new Random((seed * 100) + round), $"seed {seed} round {round}");
                device.Heal();
                Close(volume);
            }
            memory.Save(image.Path);
            ToolResult repair = Tool.Run("e2fsck", "-f", "-y", image.Path);
            Assert.True(repair.ExitCode <= 1, $"seed {seed} round {round}: {repair}");
            Assert.DoesNotContain("Multiply-claimed", repair.Output);
            Assert.DoesNotContain("corrupt", repair.Output);
            image.AssertClean();
        }
    }

    /// <summary>data_err=: the medium's failure under data is the end of all changes, or of the one write.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_data_could_not_be_written_changes_go_on_or_not(bool aborts)
    {
        using var image = new TestImage("-t ext4", 16L << 20);
        using var device = new FaultyDevice(MemoryDevice.Load(image.Path));
        using Volume volume = Volume.Open(device, new VolumeOptions { AbortsOnDataFailure = aborts });
        Assert.Equal(Errno.Ok, volume.Create(
            InodeNumber.Root, "file"u8, 0x1A4, new Caller(0, 0), out InodeAttributes made));
        Assert.Equal(Errno.Ok, volume.SyncAll());
        int next = device.Writes;
        device.FailsWrite = number => number == next + 1;
        Assert.Throws<DeviceException>(() => volume.Write(made.Number, 0, new byte[5000], default, out _));
        Assert.Equal(aborts ? Errno.ReadOnly : Errno.Ok, volume.Write(made.Number, 0, new byte[5000], default, out _));
    }

    private static void Work(Volume volume, InodeNumber file, Random random, string what)
    {
        byte[] data = new byte[30_000];
        for (int step = 0; step < 150; step++)
        {
            int offset = random.Next(2_000_000);
            int length = random.Next(1, data.Length);
            var options = new WriteOptions { IsCached = random.Next(2) == 0 };
            try
            {
                Errno error = random.Next(6) switch
                {
                    0 => volume.Truncate(file, offset, in options),
                    1 => volume.Allocate(
                        file, FallocateMode.PunchHole | FallocateMode.KeepSize, offset, length * 3, in options),
                    2 => volume.Read(file, offset, data, out _),
                    3 => volume.Journal!.CommitAll(),
                    _ => volume.Write(file, offset, data.AsSpan(0, length), in options, out _),
                };
                // Groups whose bitmaps cannot be read have no space to offer.
                Assert.True(error is Errno.Ok or Errno.ReadOnly or Errno.InputOutput or Errno.NoSpace, $"{what}: {error}");
            }
            catch (DeviceException)
            {
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{what}: {other}");
            }
        }
    }

    private static void Close(Volume volume)
    {
        try
        {
            volume.Journal!.Close();
        }
        catch (DeviceException)
        {
        }
    }
}
