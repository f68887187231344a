using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Entries that lead upwards, sideways and in circles: whatever an image says of who is above whom, threads
/// that follow it never wait for each other for ever.</summary>
public sealed class HostileTreeTests
{
    private const int Rounds = 20_000;

    private static readonly string[] s_directories = ["/", "/a", "/a/b", "/a/b/c", "/x", "/x/y"];

    /// <summary>Names that lead from one of the directories to another.</summary>
    private static readonly string[] s_names = ["a", "b", "c", "x", "y", "up", "top", "side", "same", "gone"];

    private static readonly Caller s_root = new(0, 0);

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>The shortest way to the reversal: each removal holds one directory and wants the other.</summary>
    [Fact]
    public void Two_directories_that_name_each_other_are_no_deadlock() => Deadline.Run(s_patience, RemoveEachOther);

    [Fact]
    public void Random_operations_in_circles_never_hang() => Deadline.Run(s_patience, OperateInCircles);

    /// <summary>Fewer links than names: the second removal finds nothing left to take away.</summary>
    [Fact]
    public void Two_names_of_a_file_with_one_link_are_damage_and_no_abort() =>
        Deadline.Run(s_patience, RemoveBothNames);

    private static void RemoveEachOther()
    {
        using TestImage image = MakeCircles();
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber a = Opened.Find(volume, "a");
        InodeNumber b = Opened.Find(volume, "/a/b");
        RunAll(
        [
            _ => Try(() => volume.RemoveDirectory(a, "b"u8)),
            _ => Try(() => volume.RemoveDirectory(b, "up"u8)),
        ]);
        Assert.Equal(Errno.Ok, volume.Lookup(a, "b"u8, out InodeNumber _));
        Assert.Equal(Errno.Ok, volume.Lookup(b, "up"u8, out InodeNumber _));
    }

    private static void OperateInCircles()
    {
        int seed = Environment.TickCount;
        using TestImage image = MakeCircles();
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber[] directories = [.. s_directories.Select(path => Opened.Find(volume, path))];
        RunAll([.. Enumerable.Range(0, 4).Select(thread =>
        {
            var random = new Random(seed + thread);
            return (Action<int>)(_ => Try(() => Operate(volume, directories, random)));
        })]);
        Assert.True(volume.Journal!.AbortReason == Errno.Ok, $"seed {seed}: the journal was aborted");
    }

    private static void RemoveBothNames()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Debugfs.Write(image.Path, "mkdir /a", "mkdir /x", "write /dev/null /a/f", "ln /a/f /x/f", "sif /a/f links_count 1");
        for (int round = 0; round < 20; round++)
        {
            using TestImage copy = image.Copy();
            using Volume volume = Opened.ForWriting(copy.Path);
            InodeNumber a = Opened.Find(volume, "a");
            InodeNumber x = Opened.Find(volume, "x");
            Parallel.Invoke(
                () => Try(() => volume.Unlink(a, "f"u8)),
                () => Try(() => volume.Unlink(x, "f"u8)));
            Assert.Equal(Errno.Ok, volume.Journal!.AbortReason);
            Assert.Equal(Errno.Ok, volume.SyncAll());
        }
    }

    private static TestImage MakeCircles()
    {
        var image = new TestImage("-t ext4 -b 1024");
        Debugfs.Write(image.Path,
            "mkdir /a", "mkdir /a/b", "mkdir /a/b/c", "mkdir /x", "mkdir /x/y",
            "ln /a /a/b/up", "ln / /a/b/top", "ln /a/b /a/b/c/up", "ln /a /a/b/c/top", "ln /x /a/side", "ln /a /x/side",
            "ln /x /x/y/up", "ln /a/b /x/y/side", "ln /a/b/c /x/same", "ln /a/b/c /same");
        return image;
    }

    private static void Operate(Volume volume, InodeNumber[] directories, Random random)
    {
        InodeNumber from = directories[random.Next(directories.Length)];
        InodeNumber to = directories[random.Next(directories.Length)];
        byte[] name = Encoding.ASCII.GetBytes(s_names[random.Next(s_names.Length)]);
        byte[] other = Encoding.ASCII.GetBytes(s_names[random.Next(s_names.Length)]);
        switch (random.Next(6))
        {
            case 0:
                volume.RemoveDirectory(from, name);
                break;
            case 1:
                volume.Unlink(from, name);
                break;
            case 2:
                RenameFlags flags = random.Next(2) == 0 ? RenameFlags.None : RenameFlags.Exchange;
                volume.Rename(from, name, to, other, flags, s_root);
                break;
            case 3:
                volume.Lookup(from, ".."u8, out InodeAttributes _);
                break;
            case 4:
                volume.MakeDirectory(from, name, 0x1ED, s_root, out _);
                break;
            default:
                if (volume.LookupAndRetain(from, name, out InodeAttributes found) == Errno.Ok)
                {
                    volume.Release(found.Number);
                }
                break;
        }
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Ext4CorruptException)
        {
            // What such an image deserves.
        }
    }

    /// <summary>Every action again and again in a thread of its own.</summary>
    private static void RunAll(Action<int>[] actions)
    {
        using var start = new Barrier(actions.Length);
        var failures = new List<Exception>();
        Thread[] threads = [.. actions.Select(action => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                for (int round = 0; round < Rounds; round++)
                {
                    action(round);
                }
            }
            catch (Exception failure)
            {
                lock (failures)
                {
                    failures.Add(failure);
                }
            }
        }) { IsBackground = true })];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        // They wait for each other for ever, or not at all.
        Array.ForEach(threads, thread => thread.Join());
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }
}
