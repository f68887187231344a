using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>Which times an operation moves: on our mount the same as on the kernel's ext4.</summary>
public sealed class TimeTests
{
    /// <summary>Longer than a tick of any kernel's clock.</summary>
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(25);

    /// <summary>docs/differences.md: truncate-same-size, setxattr-same-value.</summary>
    private static readonly string[] s_exempt = ["truncate to the same size", "setxattr to the same"];

    private static readonly string[] s_watched = ["", "dir", "dir/file", "dir/link", "dir/sub", "other", "other/file", "new"];

    [Fact]
    public void Operations_move_the_times_the_kernels_ext4_moves()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage ourImage = ImageMaker.Make(RecipeBook.All["ext4"] with { Fill = [] });
        using TestImage kernelImage = ImageMaker.Make(RecipeBook.All["ext4"] with { Fill = [] });
        using var kernel = new LoopMount(kernelImage.Path);
        using var ours = new FuseMount(ourImage.Path, "rw");
        List<string> expected = Run(kernel.MountPoint);
        List<string> actual = Run(ours.MountPoint);
        string[] differences =
        [
            .. expected.Zip(actual).Where(pair => pair.First != pair.Second)
                .Where(pair => !s_exempt.Contains(pair.First.Split(':')[0]))
                .Select(pair => $"expected {pair.First}\n     got {pair.Second}"),
        ];
        Assert.True(differences.Length == 0, string.Join('\n', differences));
        ours.Unmount();
        ourImage.AssertClean();
    }

    private static List<string> Run(string mountPoint)
    {
        var root = new HostPath(mountPoint);
        Tool.Shell($"cd {mountPoint}; mkdir dir dir/sub other; echo file > dir/file; ln dir/file other/file; ln -s file dir/link; sync");
        var report = new List<string>();
        foreach ((string name, Action<HostPath> operation) in Operations())
        {
            Dictionary<string, StatxRecord> before = Look(root);
            Thread.Sleep(s_tick);
            operation(root);
            Dictionary<string, StatxRecord> after = Look(root);
            IEnumerable<string> moved = s_watched.Where(after.ContainsKey).Select(path => Describe(path, before, after[path]));
            report.Add($"{name}: {string.Join(' ', moved.Where(text => text.Length > 0))}");
        }
        return report;
    }

    private static Dictionary<string, StatxRecord> Look(HostPath root)
    {
        var records = new Dictionary<string, StatxRecord>(StringComparer.Ordinal);
        foreach (string path in s_watched)
        {
            if (Posix.Stat(path.Length == 0 ? root : root.Child(path), out StatxRecord record) == 0)
            {
                records.Add(path, record);
            }
        }
        return records;
    }

    private static string Describe(string path, Dictionary<string, StatxRecord> before, StatxRecord after)
    {
        if (!before.TryGetValue(path, out StatxRecord old) || old.Inode != after.Inode)
        {
            return $"/{path}(new)";
        }
        string moved = (old.ModificationTime != after.ModificationTime ? "m" : "")
            + (old.ChangeTime != after.ChangeTime ? "c" : "") + (old.BirthTime != after.BirthTime ? "b" : "");
        return moved.Length == 0 ? "" : $"/{path}({moved})";
    }

    private static IEnumerable<(string Name, Action<HostPath> Operation)> Operations() =>
    [
        ("write", root => OnFile(root, file => Posix.Write(file, "x"u8, 0))),
        ("write nothing", root => OnFile(root, file => Posix.Write(file, [], 0))),
        ("extend", root => OnFile(root, file => Posix.Write(file, "x"u8, 9000))),
        ("read", root => OnFile(root, file => Posix.Read(file, new byte[10], 0))),
        ("ftruncate to the same size", root => OnFile(root, file => Posix.Truncate(file, 9001))),
        ("ftruncate", root => OnFile(root, file => Posix.Truncate(file, 100))),
        ("truncate", root => Posix.Truncate(root.Child("dir/file"), 50)),
        ("truncate to the same size", root => Posix.Truncate(root.Child("dir/file"), 50)),
        ("open with O_TRUNC", root => Posix.Close(Posix.Open(root.Child("dir/file"), OpenMode.Write | OpenMode.Truncate))),
        ("open with O_TRUNC when empty", root => Posix.Close(Posix.Open(root.Child("dir/file"), OpenMode.Write | OpenMode.Truncate))),
        ("fallocate", root => OnFile(root, file => Posix.Allocate(file, AllocateMode.Plain, 0, 8192))),
        ("fallocate beyond", root => OnFile(root, file => Posix.Allocate(file, AllocateMode.KeepSize, 8192, 8192))),
        ("punch", root => OnFile(root, file => Posix.Allocate(file, AllocateMode.PunchHole | AllocateMode.KeepSize, 0, 4096))),
        ("zero", root => OnFile(root, file => Posix.Allocate(file, AllocateMode.ZeroRange, 0, 4096))),
        ("chmod", root => Posix.ChangeMode(root.Child("dir/file"), 0x180)),
        ("chmod to the same", root => Posix.ChangeMode(root.Child("dir/file"), 0x180)),
        ("chown", root => Posix.ChangeOwner(root.Child("dir/file"), 5, 5)),
        ("chown to the same", root => Posix.ChangeOwner(root.Child("dir/file"), 5, 5)),
        ("utimensat", root => Posix.ChangeTimes(root.Child("dir/file"), HostTime.Omit, new HostTime(1000, 1))),
        ("utimensat of the access time", root => Posix.ChangeTimes(root.Child("dir/file"), new HostTime(1000, 1), HostTime.Omit)),
        ("setxattr", root => Posix.SetXattr(root.Child("dir/file"), "user.a"u8, "b"u8)),
        ("setxattr to the same", root => Posix.SetXattr(root.Child("dir/file"), "user.a"u8, "b"u8)),
        ("removexattr", root => Posix.RemoveXattr(root.Child("dir/file"), "user.a"u8)),
        ("create", root => Posix.Close(Posix.Open(root.Child("new"), OpenMode.Write | OpenMode.Create, 0x180))),
        ("link", root => Posix.Link(root.Child("new"), root.Child("dir/new"))),
        ("rename", root => Posix.Rename(root.Child("dir/new"), root.Child("other/new"))),
        ("rename over its own link", root => Posix.Rename(root.Child("new"), root.Child("other/new"))),
        ("rename within", root => Posix.Rename(root.Child("other/new"), root.Child("other/newer"))),
        ("rename a directory", root => Posix.Rename(root.Child("dir/sub"), root.Child("other/sub"))),
        ("rename it back", root => Posix.Rename(root.Child("other/sub"), root.Child("dir/sub"))),
        ("exchange", root => Posix.Rename(root.Child("dir/link"), root.Child("other/newer"), RenameMode.Exchange)),
        ("exchange back", root => Posix.Rename(root.Child("dir/link"), root.Child("other/newer"), RenameMode.Exchange)),
        ("rename over", root => Posix.Rename(root.Child("other/newer"), root.Child("other/file"))),
        ("unlink", root => Posix.Unlink(root.Child("other/file"))),
        ("mkdir", root => Posix.MakeDirectory(root.Child("dir/sub/inner"), 0x1ED)),
        ("rmdir", root => Posix.RemoveDirectory(root.Child("dir/sub/inner"))),
        ("symlink", root => Posix.MakeSymlink("x"u8, root.Child("dir/sub/symlink"))),
        ("unlink a symlink", root => Posix.Unlink(root.Child("dir/sub/symlink"))),
        ("a failing mkdir", root => Posix.MakeDirectory(root.Child("dir"), 0x1ED)),
        ("a failing unlink", root => Posix.Unlink(root.Child("dir/none"))),
        ("readdir", root => Tool.Check("ls", "-U", Path.Combine(root.ToString(), "dir"))),
    ];

    private static void OnFile(HostPath root, Func<int, long> operation)
    {
        int file = Posix.Open(root.Child("dir/file"), OpenMode.ReadWrite);
        operation(file);
        Posix.Close(file);
    }
}
