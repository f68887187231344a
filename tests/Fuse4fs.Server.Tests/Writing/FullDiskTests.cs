using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>A program that fills the disk through the kernel's cache is told by the write that has no room, once, and what
/// was accepted before is there.</summary>
public class FullDiskTests
{
    /// <summary>Writes until it fails; says how much was accepted; flushes and closes, which must not fail.</summary>
    private const string Writer = """
        import errno, os, sys
        chunk, name = int(sys.argv[1]), sys.argv[2]
        if len(sys.argv) > 3: os.setuid(int(sys.argv[3]))
        file, accepted, number = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), 0, 0
        while True:
            try:
                accepted += os.write(file, number.to_bytes(8, "little") * (chunk // 8))
                number += 1
            except OSError as failure:
                assert failure.errno == errno.ENOSPC, failure
                break
        os.fsync(file)
        os.close(file)
        print(accepted)
        """;

    [Theory]
    [InlineData(1 << 20, "")]
    [InlineData(1 << 16, "")]
    [InlineData(4096, "")]
    [InlineData(1 << 20, "65534")]
    public void The_write_without_room_fails_and_the_others_are_kept(int chunk, string user)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4", 160L << 20);
        byte[] expected;
        using (var mount = new ServedMount(image.Path, "rw,allow_other"))
        {
            Tool.Check("chmod", "777", mount.MountPoint);
            string file = mount.Combine("file");
            string[] identity = user.Length == 0 ? [] : [user];
            string accepted = Tool.Check("python3",
                ["-c", Writer, chunk.ToString(CultureInfo.InvariantCulture), file, .. identity]);
            expected = Contents(long.Parse(accepted, CultureInfo.InvariantCulture), chunk);
            Assert.Equal(expected.Length, new FileInfo(file).Length);
            string[] room = Tool.Check("stat", "-f", "-c", user.Length == 0 ? "%a %f" : "%a 0", mount.MountPoint).Split(' ');
            Assert.Equal("0", room[0]);
            mount.Unmount();
        }
        image.AssertClean();
        using var again = new ServedMount(image.Path, "ro");
        Assert.True(expected.AsSpan().SequenceEqual(File.ReadAllBytes(again.Combine("file"))));
    }

    [Fact]
    public void Blocks_that_a_file_has_can_be_overwritten_when_the_disk_is_full()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"""
            cd {mount.MountPoint}
            dd if=/dev/zero of=there bs=1M count=4 conv=fsync status=none
            ! dd if=/dev/zero of=filler bs=1M status=none 2>/dev/null
            dd if=/dev/urandom of=there bs=64k count=64 conv=notrunc,fsync status=none
            sha256sum there > sum 2>/dev/null || true
            """);
        mount.Unmount();
        image.AssertClean();
    }

    private static byte[] Contents(long length, int chunk)
    {
        byte[] bytes = new byte[length];
        for (long at = 0; at < length; at += 8)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan((int)at), at / chunk);
        }
        return bytes;
    }
}
