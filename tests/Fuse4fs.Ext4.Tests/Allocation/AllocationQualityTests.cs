using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>How contiguous files become when several writers work at once, compared with kernel ext4 doing the same.
/// </summary>
public sealed partial class AllocationQualityTests
{
    private const int Writers = 4;
    private const int Chunk = 256 << 10;

    /// <summary>Bytes that each writer writes; FUSE4FS_TEST_WRITER_MIB for more.</summary>
    private static readonly long s_bytesPerWriter = long.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_WRITER_MIB") ?? "64", CultureInfo.InvariantCulture) << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Four_writers_at_once_get_at_most_twice_the_kernels_extents(bool isOneFile)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        Assert.SkipUnless(Tool.Exists("filefrag"), "filefrag is not installed");
        using var ours = new TestImage("-t ext4 -b 4096", (2 * Writers * s_bytesPerWriter) + (256L << 20));
        using TestImage kernels = ours.Copy();
        int expected = ExtentsAfterKernel(kernels, isOneFile);
        int found = ExtentsAfterUs(ours, isOneFile);
        TestContext.Current.TestOutputHelper?.WriteLine($"kernel {expected} extents, ours {found}");
        Assert.True(found <= 2 * expected, $"the kernel made {expected} extents, we made {found}");
    }

    /// <summary>Small files written one behind the other lie together.</summary>
    [Fact]
    public void Small_files_of_a_directory_lie_together()
    {
        using var image = new TestImage("-t ext4 -b 4096", 256L << 20);
        using var volume = new WritableImage(image);
        ulong first = ulong.MaxValue;
        ulong last = 0;
        for (int i = 0; i < 200; i++)
        {
            HandMadeFile file = HandMadeFile.TryCreate(volume, InodeNumber.Root, 0)!;
            Errno error = volume.Volume.Write(file.Number, 0, new byte[10000], default, out _);
            Assert.Equal(Errno.Ok, error);
            ulong block = FirstBlock(volume, file.Number);
            first = Math.Min(first, block);
            last = Math.Max(last, block);
        }
        Assert.InRange(last - first, 199ul * 3, 200ul * 3 * 2);
    }

    private static ulong FirstBlock(WritableImage volume, InodeNumber number)
    {
        Assert.Equal(Errno.Ok, volume.Volume.Inodes.Acquire(number, out InodeReference reference));
        using (reference)
        {
            Assert.True(volume.Volume.Map.TryGetBlock(reference.Inode, 0, out FsBlock block));
            return block.Value;
        }
    }

    private static int ExtentsAfterKernel(TestImage image, bool isOneFile)
    {
        using (var mount = new LoopMount(image.Path))
        {
            long mib = s_bytesPerWriter >> 20;
            string commands = string.Concat(Enumerable.Range(0, Writers).Select(writer => isOneFile
                ? $"dd if=/dev/zero of={mount.Combine("f")} bs={Chunk} count={mib * 4} seek={writer * mib * 4} "
                    + "conv=notrunc status=none & "
                : $"dd if=/dev/zero of={mount.Combine($"f{writer}")} bs={Chunk} count={mib * 4} status=none & "));
            Tool.Shell(commands + "wait; sync -f " + mount.MountPoint);
        }
        return CountExtents(image);
    }

    private static int ExtentsAfterUs(TestImage image, bool isOneFile)
    {
        var files = new List<HandMadeFile>();
        using (var volume = new WritableImage(image))
        {
            for (int i = 0; i < (isOneFile ? 1 : Writers); i++)
            {
                files.Add(HandMadeFile.TryCreate(volume, InodeNumber.Root, 0)!);
            }
            Errno worst = Errno.Ok;
            Thread[] threads =
            [
                .. Enumerable.Range(0, Writers).Select(writer => new Thread(() =>
                {
                    InodeNumber number = files[isOneFile ? 0 : writer].Number;
                    long start = isOneFile ? writer * s_bytesPerWriter : 0;
                    byte[] data = new byte[Chunk];
                    for (long at = 0; at < s_bytesPerWriter; at += Chunk)
                    {
                        Errno error = volume.Volume.Write(number, start + at, data, default, out _);
                        worst = error == Errno.Ok ? worst : error;
                    }
                })),
            ];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Assert.Equal(Errno.Ok, worst);
        }
        HandMadeFile.Link(image, files);
        image.AssertClean();
        return CountExtents(image);
    }

    private static int CountExtents(TestImage image)
    {
        using var mount = new LoopMount(image.Path, "ro");
        string report = Tool.Shell($"filefrag {mount.MountPoint}/f*");
        return ExtentsPattern().Matches(report)
            .Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@": (\d+) extents? found")]
    private static partial Regex ExtentsPattern();
}
