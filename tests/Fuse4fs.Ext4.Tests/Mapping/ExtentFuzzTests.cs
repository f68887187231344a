using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Mapping;

/// <summary>Maps of random damage: answers or damage, never anything else, and always an end.</summary>
public sealed class ExtentFuzzTests
{
    [Theory]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum", 1)]
    [InlineData("-t ext3 -b 1024", 2)]
    public void Damaged_maps_answer_or_are_refused(string options, int seed)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options, 32L << 20);
        uint number = Fragment(image.Path);
        byte[] original = File.ReadAllBytes(image.Path);
        int[] blocks = MapBlocks(image.Path);
        Assert.NotEmpty(blocks);
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = (byte[])original.Clone();
            Damage(bytes, blocks, random);
            Walk(bytes, new InodeNumber(number), $"seed {seed} round {round}");
        }
    }

    /// <summary>The same for whoever writes: damage or an errno, and the volume can still be closed.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum -J size=1", 3)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,^has_journal", 4)]
    public void Damaged_maps_are_changed_or_refused(string options, int seed)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options, 16L << 20);
        uint number = Fragment(image.Path);
        byte[] original = File.ReadAllBytes(image.Path);
        int[] blocks = MapBlocks(image.Path);
        var random = new Random(seed);
        for (int round = 0; round < 150; round++)
        {
            byte[] bytes = (byte[])original.Clone();
            Damage(bytes, blocks, random);
            ChangeFile(bytes, new InodeNumber(number), random, $"seed {seed} round {round}");
        }
    }

    /// <summary>A file of many extents, so that its map has blocks of its own.</summary>
    private static uint Fragment(string path)
    {
        using var mount = new LoopMount(path);
        using (FileStream stream = File.Create(mount.Combine("fragmented")))
        {
            for (int i = 0; i < 2000; i++)
            {
                stream.Position = i * 2048L;
                stream.WriteByte((byte)i);
            }
        }
        uint number = uint.Parse(Tool.Check("stat", "-c", "%i", mount.Combine("fragmented")));
        mount.Unmount();
        return number;
    }

    private static int[] MapBlocks(string path)
    {
        string blocks = Debugfs.Read(path, "blocks /fragmented");
        string data = Debugfs.Read(path, "stat /fragmented");
        // debugfs names the map's own blocks "(ETB0)" or "(IND)" with the number behind the colon.
        return [.. System.Text.RegularExpressions.Regex.Matches(data, @"\((?:ETB\d+|[DT]?IND)\):(\d+)")
            .Select(match => int.Parse(match.Groups[1].Value)).Where(_ => blocks.Length > 0)];
    }

    private static void Damage(byte[] bytes, int[] blocks, Random random)
    {
        for (int changes = random.Next(1, 6); changes > 0; changes--)
        {
            int block = blocks[random.Next(blocks.Length)];
            int at = (block * 1024) + (random.Next(3) == 0 ? random.Next(1024) : random.Next(64));
            bytes[at] = random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => (byte)random.Next(256) };
        }
    }

    private static void ChangeFile(byte[] image, InodeNumber number, Random random, string what)
    {
        using Volume volume = Volume.Open(new MemoryDevice(image), new VolumeOptions());
        byte[] data = new byte[20_000];
        for (int step = 0; step < 12; step++)
        {
            int offset = random.Next(5_000_000);
            int length = random.Next(1, data.Length);
            var options = new WriteOptions { IsCached = random.Next(2) == 0 };
            try
            {
                Errno error = random.Next(6) switch
                {
                    0 => volume.Truncate(number, offset, in options),
                    1 => volume.Allocate(number, FallocateMode.Allocate, offset, length, in options),
                    2 => volume.Allocate(
                        number, FallocateMode.PunchHole | FallocateMode.KeepSize, offset, length * 20L, in options),
                    3 => volume.Allocate(
                        number, FallocateMode.CollapseRange, offset & ~1023, (length | 1023) + 1, in options),
                    4 => volume.Allocate(
                        number, FallocateMode.InsertRange, offset & ~1023, (length | 1023) + 1, in options),
                    _ => volume.Write(number, offset, data.AsSpan(0, length), in options, out _),
                };
                Assert.True(error is Errno.Ok or Errno.Invalid or Errno.NoSpace or Errno.ReadOnly or Errno.FileTooBig,
                    $"{what}: {error}");
            }
            catch (Ext4CorruptException)
            {
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{what}: {other}");
            }
        }
    }

    private static void Walk(byte[] image, InodeNumber number, string what)
    {
        using Volume volume = Volume.Open(new MemoryDevice(image), new VolumeOptions { ReadOnly = true });
        byte[] buffer = new byte[65536];
        try
        {
            Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
            for (long offset = 0; offset < attributes.SizeBytes; offset += buffer.Length)
            {
                volume.Read(number, offset, buffer, out _);
            }
            long position = 0;
            while (volume.Seek(number, position, SeekKind.Hole, out long hole) == Errno.Ok
                && volume.Seek(number, hole, SeekKind.Data, out long data) == Errno.Ok)
            {
                Assert.True(data > position, what);
                position = data;
            }
        }
        catch (Ext4CorruptException)
        {
        }
        catch (Exception other) when (other is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {other}");
        }
    }
}
