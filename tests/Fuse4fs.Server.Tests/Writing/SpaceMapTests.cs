using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>The ioctls about the whole volume: the kernel's ext4 is asked the same.</summary>
public sealed class SpaceMapTests
{
    /// <summary>Asks for all records, some at a time, as programs do; prints offset, length, owner and flags of each.
    /// </summary>
    private const string Lister = """
        import fcntl, os, struct, sys
        d = os.open(sys.argv[1], os.O_RDONLY)
        room = int(sys.argv[2])
        low = struct.pack('IIQQQQ24x', 0, 0, 0, 0, 0, 0)
        high = struct.pack('IIQQQQ24x', 2**32-1, 2**32-1, 2**64-1, 2**64-1, 2**64-1, 0)
        while True:
            buffer = bytearray(struct.pack('IIII48x', 0, 0, room, 0) + low + high + bytes(64 * room))
            fcntl.ioctl(d, 0xc0c0583b, buffer)
            count = struct.unpack_from('I', buffer, 12)[0]
            if room == 0:
                print(count)
                break
            for i in range(count):
                device, flags, physical, owner, offset, length = struct.unpack_from('IIQQQQ', buffer, 192 + 64 * i)
                print(physical, length, hex(owner), flags & ~0x20, offset)
            if count == 0 or flags & 0x20:
                break
            low = bytes(buffer[192 + 64 * (count - 1):192 + 64 * count])
        """;

    [Theory]
    [InlineData("-t ext4 -b 1024", 64)]
    [InlineData("-t ext4 -b 4096 -O ^flex_bg,^sparse_super,^resize_inode -g 2048", 48)]
    [InlineData("-t ext4 -b 1024 -O meta_bg,^resize_inode", 48)]
    [InlineData("-t ext4 -b 4096 -O bigalloc -C 65536", 64)]
    [InlineData("-t ext3 -b 1024", 32)]
    public void The_map_of_space_is_the_kernels(string options, long megabytes)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using var image = new TestImage(options, megabytes << 20);
        var expected = new List<string>();
        using (var kernel = new LoopMount(image.Path))
        {
            Tool.Shell($"cd {kernel.MountPoint}; for i in $(seq 40); do head -c $((i * 7000)) /dev/zero > f$i; done; "
                + "sync; rm f3 f7 f8 f20 f31; mkdir d; sync");
            kernel.Unmount();
        }
        using (var kernel = new LoopMount(image.Path))
        {
            expected.AddRange(Ask(kernel.MountPoint));
            kernel.Unmount();
        }
        using var ours = new FuseMount(image.Path, "rw");
        List<string> found = Ask(ours.MountPoint);
        Assert.Equal(Known(expected), Known(found));
        Assert.Equal([$"{found.Count / 2}"], Ask(ours.MountPoint, "0"));
        AssertWhole(found[..(found.Count / 2)], megabytes << 20);
        ours.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void Uuid_and_checkpoint_are_as_the_kernels_and_growing_is_refused()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        foreach (string options in (string[])
            ["-O metadata_csum_seed", "", "-O none,sparse_super", "-O metadata_csum_seed,stable_inodes"])
        {
            using var image = new TestImage($"-t ext4 -b 1024 {options}", 24L << 20);
            List<string> expected;
            using (var kernel = new LoopMount(image.Path))
            {
                expected = Change(kernel.MountPoint, "11223344-5566-7788-99aa-bbccddeeff00");
                kernel.Unmount();
            }
            using (var ours = new FuseMount(image.Path, "rw"))
            {
                Assert.Equal(expected, Change(ours.MountPoint, "01020304-0506-0708-090a-0b0c0d0e0f10"));
                ToolResult grown = Tool.Run("python3", "-c",
                    "import fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x40086610, bytes(8))",
                    ours.MountPoint);
                Assert.Contains("Operation not supported", grown.ToString(), StringComparison.Ordinal);
                ours.Unmount();
            }
            image.AssertClean();
            bool isChanged = Tool.Check("dumpe2fs", "-h", image.Path)
                .Contains("01020304-0506-0708-090a-0b0c0d0e0f10", StringComparison.Ordinal);
            Assert.Equal(expected[0] == "0", isChanged);
            if (isChanged)
            {
                string backup = Tool.Check("dumpe2fs", "-h", "-o", "superblock=8193", "-o", "blocksize=1024", image.Path);
                Assert.Contains("01020304-0506-0708-090a-0b0c0d0e0f10", backup, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Without what is in use by files: of that the kernel (6.18) leaves out a range here and there.</summary>
    private static List<string> Known(List<string> records) =>
        [.. records.Where(record => !record.Contains(" 0x2 ", StringComparison.Ordinal))];

    private static void AssertWhole(List<string> records, long sizeBytes)
    {
        long end = 0;
        foreach (long[] record in records.Select(line => line.Split(' ')[..2].Select(long.Parse).ToArray()))
        {
            Assert.Equal(end, record[0]);
            end += record[1];
        }
        Assert.Equal(sizeBytes, end);
    }

    /// <summary>A few records at a time, and all at once.</summary>
    private static List<string> Ask(string mountPoint) => [.. Ask(mountPoint, "7"), .. Ask(mountPoint, "4000")];

    private static string[] Ask(string mountPoint, string room)
    {
        ToolResult result = Tool.Run("python3", "-c", Lister, mountPoint, room);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output.TrimEnd().Split('\n');
    }

    private static List<string> Change(string mountPoint, string uuid)
    {
        const string program = """
            import fcntl, os, struct, sys, uuid
            d = os.open(sys.argv[1], os.O_RDONLY)
            wanted = uuid.UUID(sys.argv[2]).bytes
            def ask(number, argument):
                try:
                    fcntl.ioctl(d, number, argument)
                    print(0)
                except OSError as error:
                    print(error.errno)
            ask(0x4008662c, struct.pack('II', 16, 0) + wanted)
            ask(0x4008662c, struct.pack('II', 15, 0) + wanted)
            ask(0x4008662c, struct.pack('II', 16, 1) + wanted)
            for flags in (0, 4, 8, 3, 1, 2, 6):
                ask(0x4004662b, struct.pack('I', flags))
            """;
        ToolResult result = Tool.Run("python3", "-c", program, mountPoint, uuid);
        Assert.True(result.ExitCode == 0, result.ToString());
        return [.. result.Output.TrimEnd().Split('\n')];
    }
}
