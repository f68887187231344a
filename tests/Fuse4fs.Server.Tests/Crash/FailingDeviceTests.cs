using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Server.Tests.Crash;

/// <summary>An image whose own file system becomes full: writes of an image file fail at once, those of a loop device
/// when they are flushed. Programs get documented errors, the server goes on answering, and what was synced before is
/// there after a repair that finds nothing damaged.</summary>
public sealed class FailingDeviceTests
{
    private const int NoSpace = -28;
    private const int InputOutput = -5;
    private const int ReadOnly = -30;
    private const int PieceBytes = 256 << 10;
    private const int MostPieces = 1000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_full_device_loses_nothing_synced(bool isLoop)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using var small = new SmallFileSystem(24L << 20);
        string path = small.Combine("image");
        TestImage.CreateSparse(path, 512L << 20);
        Tool.Check("mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=4", "-N", "1024", path);
        byte[] kept = new byte[1 << 20];
        new Random(1).NextBytes(kept);
        using (LoopDevice? loop = isLoop ? new LoopDevice(path) : null)
        using (var mount = new FuseMount(loop?.Path ?? path, "rw"))
        {
            var root = new HostPath(mount.MountPoint);
            Assert.Equal(kept.Length, WriteAndSync(root.Child("kept"), kept));
            long error = FillUp(root.Child("junk"));
            Assert.Contains(error, (long[])[NoSpace, InputOutput, ReadOnly]);
            AssertAnswers(mount, root, kept);
        }
        Judge(path, kept);
    }

    /// <returns>Bytes written and synced, or an error.</returns>
    private static long WriteAndSync(HostPath path, byte[] data)
    {
        int descriptor = Posix.Open(path, OpenMode.ReadWrite | OpenMode.Create, 0x1A4);
        if (descriptor < 0)
        {
            return descriptor;
        }
        long written = Posix.Write(descriptor, data, 0);
        int synced = Posix.Sync(descriptor);
        Posix.Close(descriptor);
        return synced == 0 ? written : synced;
    }

    private static long FillUp(HostPath path)
    {
        byte[] piece = new byte[PieceBytes];
        Array.Fill(piece, (byte)0x5A);
        int descriptor = Posix.Open(path, OpenMode.ReadWrite | OpenMode.Create, 0x1A4);
        long outcome = 0;
        for (int i = 0; i < MostPieces && outcome >= 0; i++)
        {
            outcome = Posix.Write(descriptor, piece, (long)i * PieceBytes);
            int synced = outcome >= 0 ? Posix.Sync(descriptor) : 0;
            outcome = synced < 0 ? synced : outcome;
        }
        Posix.Close(descriptor);
        return outcome;
    }

    private static void AssertAnswers(FuseMount mount, HostPath root, byte[] kept)
    {
        Assert.True(mount.IsAlive, mount.Output);
        Assert.Equal(0, Posix.Stat(root.Child("junk"), out _));
        Assert.Equal(kept, File.ReadAllBytes(mount.Combine("kept")));
        int made = Posix.MakeDirectory(root.Child("directory"), 0x1ED);
        Assert.Contains(made, (int[])[0, NoSpace, InputOutput, ReadOnly]);
        Assert.True(mount.IsAlive, mount.Output);
    }

    /// <summary>As an administrator would, where there is room.</summary>
    private static void Judge(string path, byte[] kept)
    {
        using var roomy = new TemporaryDirectory();
        string copy = roomy.Combine("image");
        Tool.Check("cp", "--sparse=always", path, copy);
        ToolResult repair = Tool.Run("e2fsck", "-f", "-y", copy);
        Assert.True(repair.ExitCode <= 1, repair.ToString());
        Assert.DoesNotContain("Multiply-claimed", repair.Output, StringComparison.Ordinal);
        E2fsck.AssertClean(copy);
        Debugfs.Read(copy, $"dump /kept {roomy.Combine("kept")}");
        Assert.Equal(kept, File.ReadAllBytes(roomy.Combine("kept")));
    }
}
