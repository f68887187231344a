using System.Globalization;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>A full file system: how much fits, who may use the reserve, what still works, and that space comes back.
/// </summary>
public sealed class FullVolumeTests
{
    private const int NoSpace = -28;
    private const long ImageBytes = 24 << 20;

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext4+1k")]
    [InlineData("no-journal")]
    public void Root_fills_it_to_the_last_block_and_space_comes_back(string features)
    {
        using TestImage image = Make(features);
        using var mount = new FuseMount(image.Path, "rw");
        var root = new HostPath(mount.MountPoint);
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord before));

        Assert.Equal(NoSpace, Fill(root.Child("filler")));
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord full));
        Assert.InRange(full.FreeBlocks, 0UL, KeptByKernel(features));

        OverwriteSome(root.Child("filler"));
        Assert.Equal(NoSpace, Posix.MakeDirectory(root.Child("no-room"), 0x1ED));
        Assert.Equal(0, Posix.Rename(root.Child("filler"), root.Child("renamed")));
        Assert.Equal(0, Posix.Unlink(root.Child("renamed")));
        SyncAfterErrors(mount);
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord after));
        Assert.Equal(before.FreeBlocks, after.FreeBlocks);
        Assert.Equal(before.FreeInodes, after.FreeInodes);

        Assert.Equal(NoSpace, Fill(root.Child("again")));
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void The_reserve_is_for_root()
    {
        Assert.SkipWhen(Host.Without("setpriv") is not null, "setpriv is not installed");
        using TestImage image = Make("ext4");
        using var mount = new FuseMount(image.Path, "rw,allow_other,default_permissions");
        var root = new HostPath(mount.MountPoint);
        Assert.Equal(0, Posix.ChangeMode(root, 0x1FF));
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord before));
        ulong reserve = before.FreeBlocks - before.AvailableBlocks;
        Assert.NotEqual(0UL, reserve);

        ToolResult result = Tool.Run("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups",
            "dd", "if=/dev/zero", $"of={mount.Combine("by-user")}", "bs=64k", "count=800", "conv=fsync");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("No space left", result.Errors, StringComparison.Ordinal);
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord filled));
        Assert.Equal(0UL, filled.AvailableBlocks);
        // The last write(2) that there was any room for may have gone on beyond it, into the pool for metadata.
        Assert.InRange(filled.FreeBlocks, reserve - (ulong)(65536 / before.BlockSizeBytes), reserve);
        Assert.Equal(NoSpace, Fill(root.Child("by-root")));
        Assert.Equal(0, Posix.StatFileSystem(root, out filled));
        Assert.InRange(filled.FreeBlocks, 0UL, KeptByKernel("ext4"));
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>No inode left: creating fails, everything else works.</summary>
    [Fact]
    public void Inodes_run_out_and_come_back()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using var image = new TestImage("-t ext4 -N 128", 16 << 20);
        using var mount = new FuseMount(image.Path, "rw");
        var root = new HostPath(mount.MountPoint);
        int made = 0;
        int outcome;
        while ((outcome = Posix.MakeNode(Numbered(root, made), 0x1000 | 0x1A4, 0, 0)) == 0)
        {
            made++;
        }
        Assert.Equal(NoSpace, outcome);
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord full));
        Assert.Equal(0UL, full.FreeInodes);
        Assert.Equal(0, Posix.Unlink(Numbered(root, 0)));
        SyncAfterErrors(mount);
        Assert.Equal(0, Posix.MakeDirectory(root.Child("directory"), 0x1ED));
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>What is still free where the kernel's ext4 tells root that the same image is full: it keeps some
    /// clusters for the growth of extent trees.</summary>
    private static ulong KeptByKernel(string features)
    {
        using TestImage image = Make(features);
        using var mount = new LoopMount(image.Path);
        var root = new HostPath(mount.MountPoint);
        Assert.Equal(NoSpace, Fill(root.Child("filler")));
        Assert.Equal(0, Posix.StatFileSystem(root, out StatFileSystemRecord full));
        return full.FreeBlocks;
    }

    private static TestImage Make(string features)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        return ImageMaker.Make(RecipeBook.All[features] with { Fill = [], SizeBytes = ImageBytes });
    }

    /// <summary>The first one reports, once, that writing back failed earlier.</summary>
    private static void SyncAfterErrors(FuseMount mount)
    {
        Tool.Run(FuseMount.Command, "sync", mount.MountPoint);
        Tool.Check(FuseMount.Command, "sync", mount.MountPoint);
    }

    private static HostPath Numbered(HostPath root, int number) =>
        root.Child(string.Create(CultureInfo.InvariantCulture, $"node-{number}"));

    /// <summary>Writes until an error comes, from write, fsync or close: with the write-back cache the kernel finds out
    /// late. Then block by block, so that nothing is left.</summary>
    private static long Fill(HostPath path)
    {
        long outcome = 0;
        byte[] chunk = new byte[1 << 16];
        new PatternStream(3).Fill(chunk);
        foreach (int size in new[] { 1 << 16, 4096, 1024 })
        {
            int file = Posix.Open(path, OpenMode.Write | OpenMode.Create, 0x1A4);
            Assert.True(file >= 0);
            long offset = Posix.Seek(file, 0, SeekFrom.End);
            do
            {
                outcome = Posix.Write(file, chunk.AsSpan(0, size), offset);
                offset += size;
                int synced = outcome < 0 ? 0 : Posix.SyncData(file);
                outcome = synced < 0 ? synced : outcome;
            }
            while (outcome > 0);
            Posix.Close(file);
        }
        return outcome;
    }

    private static void OverwriteSome(HostPath path)
    {
        int file = Posix.Open(path, OpenMode.ReadWrite);
        byte[] chunk = new byte[100_000];
        new PatternStream(4).Fill(chunk);
        Assert.Equal(chunk.Length, Posix.Write(file, chunk, 50_000));
        Assert.Equal(0, Posix.Sync(file));
        Assert.Equal(0, Posix.Close(file));
    }
}
