using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>A block of attributes that several inodes share, made so by the kernel: its count goes down to nothing
/// while others change, copy and set what it holds. e2fsck counts the references of every image.</summary>
public sealed class SharedXattrWindowTests
{
    private const int Files = 6;
    private const string Options = "-t ext4 -b 1024 -N 256 -J size=1 -I 128";

    [Fact]
    public void One_by_one()
    {
        using CrashSweep sweep = Make();
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            var script = new CrashScript(volume, device);
            script.Start();
            InodeNumber[] files = [.. Enumerable.Range(0, Files).Select(i => Opened.Find(volume, $"file{i}"))];
            Remove(script, files[0]);
            script.Sync(files[0]);
            Set(script, files[1], 0x91);
            script.Unlink(InodeNumber.Root, "file2");
            script.Sync(InodeNumber.Root);
            Set(script, files[0], Shared);
            Remove(script, files[3]);
            script.SyncAll();
            Remove(script, files[4]);
            script.Unlink(InodeNumber.Root, "file5");
            Set(script, files[1], Shared);
            script.Sync(files[1]);
            Remove(script, files[0]);
            Remove(script, files[1]);
            script.SyncAll();
            record = script.Record;
        }
        string? wrong = sweep.CutEverywhere(device, new Random(1), record.Check);
        Assert.True(wrong is null, wrong);
    }

    /// <summary>Two threads take the last references while a third takes new ones: whoever is first, the count is right
    /// at every cut.</summary>
    [Fact]
    public void At_once()
    {
        using CrashSweep sweep = Make();
        for (int round = 0; round < 4; round++)
        {
            RecordingDevice device = sweep.NewDevice();
            using (Volume volume = Volume.Open(device, sweep.Hasty()))
            {
                volume.SyncAll();
                device.Restart();
                InodeNumber[] files = [.. Enumerable.Range(0, Files).Select(i => Opened.Find(volume, $"file{i}"))];
                Thread[] threads =
                [
                    new(() => Change(volume, files[0..3])),
                    new(() => Change(volume, files[3..6])),
                    new(() => Change(volume, files)),
                ];
                Array.ForEach(threads, thread => thread.Start());
                Array.ForEach(threads, thread => thread.Join());
            }
            string? wrong = sweep.Cut(device, new Random(round), 15, static (volume, _) =>
                SeenTree.Capture(volume).Files.Count == Files ? null : "files are missing");
            Assert.True(wrong is null, wrong);
        }
    }

    private static byte Shared => 0x90;

    private static void Change(Volume volume, InodeNumber[] files)
    {
        foreach (InodeNumber file in files)
        {
            Assert.True(volume.RemoveXattr(file, "user.shared"u8) is Errno.Ok or Errno.NoData);
        }
        foreach (InodeNumber file in files)
        {
            Assert.Equal(Errno.Ok, volume.SetXattr(
                file, "user.shared"u8, Value(Shared), XattrFlags.None, new Caller(0, 0)));
        }
    }

    private static void Remove(CrashScript script, InodeNumber file) =>
        script.Do(() => script.Volume.RemoveXattr(file, "user.shared"u8), file);

    private static void Set(CrashScript script, InodeNumber file, byte value) => script.Do(
        () => script.Volume.SetXattr(file, "user.shared"u8, Value(value), XattrFlags.None, new Caller(0, 0)), file);

    private static byte[] Value(byte value)
    {
        byte[] bytes = new byte[600];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>Equal attributes share a block: the kernel finds them by their hash.</summary>
    private static CrashSweep Make()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        var sweep = new CrashSweep(Options, 6L << 20);
        using (var mount = new LoopMount(sweep.Image.Path))
        {
            string value = string.Concat(Enumerable.Repeat("\\220", 600));
            Tool.Shell($"cd {mount.MountPoint}; for i in $(seq 0 {Files - 1}); do : > file$i;"
                + $" setfattr -n user.shared -v \"{value}\" file$i; done");
        }
        string[] blocks = [.. Enumerable.Range(0, Files).Select(i =>
            Debugfs.Read(sweep.Image.Path, $"stat file{i}").Split("File ACL: ")[1].Split('\n')[0])];
        Assert.NotEqual("0", blocks[0]);
        Assert.All(blocks, block => Assert.Equal(blocks[0], block));
        sweep.Initial = File.ReadAllBytes(sweep.Image.Path);
        return sweep;
    }
}
