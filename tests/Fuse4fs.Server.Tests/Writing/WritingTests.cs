using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>What FUSE makes difficult about writing.</summary>
public sealed class WritingTests
{
    [Fact]
    public void A_program_that_never_stops_writing_learns_of_a_full_disk()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4", 64L << 20);
        using var mount = new ServedMount(image.Path, "rw");
        ToolResult result = Tool.Run("timeout", "120", "dd", "if=/dev/zero", "bs=1M", "of=" + mount.Combine("full"));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("No space left on device", result.Errors, StringComparison.Ordinal);
        // What is there can be overwritten and removed, and then there is room again.
        // The first fsync after it hears of what was lost.
        Tool.Shell(
            $"cd '{mount.MountPoint}' && (sync full || true) "
            + "&& dd if=/dev/zero of=full bs=1M count=20 conv=notrunc,fsync 2>/dev/null "
            + "&& rm full && head -c 30000000 /dev/zero > again && sync again");
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void Holes_are_not_reported_while_their_data_may_be_in_the_cache()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        byte[] data = new byte[1 << 20];
        new Random(3).NextBytes(data);
        using (FileStream writer = File.Create(mount.Combine("file")))
        {
            writer.SetLength(4 << 20);
            writer.Position = 1 << 20;
            writer.Write(data);
            writer.Flush();
            Tool.Check("cp", "--sparse=always", mount.Combine("file"), mount.Combine("copy"));
            Tool.Check("cmp", mount.Combine("file"), mount.Combine("copy"));
        }
        Tool.Check("cp", "--sparse=always", mount.Combine("file"), mount.Combine("later"));
        Tool.Check("cmp", mount.Combine("file"), mount.Combine("later"));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void A_signal_loses_nothing_that_was_written(string signal)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        byte[] data = new byte[20_000_000];
        new Random(9).NextBytes(data);
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            File.WriteAllBytes(mount.Combine("file"), data);
            Tool.Check("kill", "-" + signal, mount.ServerProcess.ToString(CultureInfo.InvariantCulture));
            Assert.True(mount.ServerEnds());
        }
        image.AssertClean();
        using var again = new ServedMount(image.Path, "ro");
        Assert.Equal(data, File.ReadAllBytes(again.Combine("file")));
    }

    [Fact]
    public void An_unlinked_file_lives_until_it_is_closed_and_its_space_comes_back()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"""
            cd '{mount.MountPoint}'
            sync -f . ; before=$(stat -f -c %f .)
            exec 5<>open; head -c 5000000 /dev/urandom | tee /proc/self/fd/5 | sha256sum > ../sum; rm open
            exec 6<>replaced; echo old >&6; echo new > other; mv other replaced
            test "$(cat replaced)" = new; test "$(cat /proc/self/fd/6)" = old
            sha256sum < /proc/self/fd/5 | cmp - ../sum
            test $(stat -L -c %h /proc/self/fd/5) = 0
            exec 5>&- 6>&-; rm replaced
            """);
        mount.Unmount();
        image.AssertClean();
        Assert.Contains("Free inodes: 16373", Tool.Check("dumpe2fs", "-h", image.Path).Replace("       ", " ", StringComparison.Ordinal)
            .Replace("Free inodes:  ", "Free inodes: ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_are_enforced_although_the_kernel_does_not_know_them()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($$"""
            cd '{{mount.MountPoint}}'
            refused() { if "$@" 2>/dev/null; then echo "not refused: $*" >&2; exit 1; fi; }
            echo 1 > i; echo 1 > a; chattr +i i; chattr +a a
            refused bash -c 'echo 2 > i'; refused bash -c 'echo 2 >> i'; refused rm i; refused mv i j; refused chmod 600 i
            refused truncate -s 0 i; refused touch i; refused ln i k; refused setfattr -n user.x -v y i
            echo 2 >> a; refused bash -c 'echo 3 > a'; refused rm a; refused truncate -s 0 a; refused chmod 600 a
            test "$(cat a)" = "1
            2"; test "$(cat i)" = 1
            mkdir d; chattr +i d; refused touch d/x; chattr -i i d; chattr -a a; rm i a; touch d/x
            chattr +d d; lsattr -d d | grep -q d
            """);
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>The second mount's kernel has never seen the files: it has to ask us.</summary>
    [Fact]
    public void File_handles_find_their_file_without_its_name_and_after_a_restart()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.Without("python3") is null, "python3 is not installed");
        using var image = new TestImage("-t ext4");
        const string common = """
            import ctypes, os, sys
            libc = ctypes.CDLL(None, use_errno=True)
            os.chdir(sys.argv[1])
            class H(ctypes.Structure): _fields_ = [('n', ctypes.c_uint), ('t', ctypes.c_int), ('b', ctypes.c_ubyte * 128)]

            """;
        string handles;
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            handles = Tool.Check("python3", "-c", common + """
                os.makedirs('d/e'); open('d/e/f', 'w').write('contents')
                for path in 'd/e/f', 'd/e':
                    h = H(128); m = ctypes.c_int()
                    assert libc.name_to_handle_at(-100, path.encode(), ctypes.byref(h), ctypes.byref(m), 0) == 0
                    print(bytes(h).hex())
                os.rename('d/e/f', 'd/g')
                os.rmdir('d/e')
                """, mount.MountPoint);
            mount.Unmount();
        }
        using var again = new ServedMount(image.Path, "rw");
        Tool.Check("python3", "-c", common + """
            f, gone = (H.from_buffer_copy(bytes.fromhex(line)) for line in sys.argv[2].split())
            m = os.open('.', os.O_RDONLY)
            fd = libc.open_by_handle_at(m, ctypes.byref(f), os.O_RDONLY)
            assert fd >= 0 and os.read(fd, 100) == b'contents', ctypes.get_errno()
            assert libc.open_by_handle_at(m, ctypes.byref(gone), os.O_RDONLY) == -1 and ctypes.get_errno() == 116
            """, again.MountPoint, handles);
    }

    [Fact]
    public void Labels_versions_and_trim_answer_as_ioctls()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.Without("python3") is null, "python3 is not installed");
        using var image = new TestImage("-t ext4 -L before -U 01234567-89ab-cdef-0123-456789abcdef");
        using var mount = new ServedMount(image.Path, "rw");
        string output = Tool.Check("python3", "-c", $"""
            import fcntl, os, struct
            d = os.open('{mount.MountPoint}', os.O_RDONLY)
            label = bytearray(256); fcntl.ioctl(d, 0x81009431, label); print(label.split(b'\0')[0].decode())
            fcntl.ioctl(d, 0x41009432, b'after'.ljust(256, b'\0'))
            fcntl.ioctl(d, 0x81009431, label); print(label.split(b'\0')[0].decode())
            uuid = bytearray(struct.pack('II', 16, 0) + bytes(16)); fcntl.ioctl(d, 0x8008662c, uuid); print(uuid[8:].hex())
            trim = bytearray(struct.pack('QQQ', 0, 1 << 40, 0)); fcntl.ioctl(d, 0xc0185879, trim)
            print(struct.unpack('QQQ', trim)[1] > 1 << 20)
            """);
        Assert.Equal("before\nafter\n0123456789abcdef0123456789abcdef\nTrue\n", output);
        mount.Unmount();
        image.AssertClean();
        Assert.Equal("after\n", Tool.Check("e2label", image.Path));
    }

    [Theory]
    [InlineData("default", true)]
    [InlineData("logflush", true)]
    [InlineData("nologflush", false)]
    public void A_shut_down_mount_is_as_a_crash_leaves_it(string mode, bool isKept)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            Directory.CreateDirectory(mount.Combine("synced"));
            Assert.Equal(0, Command.Run("sync", mount.MountPoint).ExitCode);
            Directory.CreateDirectory(mount.Combine("late"));
            Assert.Equal(0, Command.Run("shutdown", "--mode", mode, mount.MountPoint).ExitCode);
            Assert.NotEqual(0, Tool.Run("mkdir", mount.Combine("after")).ExitCode);
            mount.Unmount();
        }
        using (var again = new ServedMount(image.Path, "rw"))
        {
            Assert.True(Directory.Exists(again.Combine("synced")));
            Assert.Equal(isKept, Directory.Exists(again.Combine("late")));
            Assert.False(Directory.Exists(again.Combine("after")));
            again.Unmount();
        }
        image.AssertClean();
    }
}
