using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Opening an image that the kernel's ext4 left in the middle of work gives the tree that e2fsck -fy makes of
/// a copy: read-only without a byte written, writable with an image that is clean afterwards.</summary>
public class DirtyImageTests
{
    /// <summary>Small changes, each made durable: the kernel logs them as fast commits.</summary>
    private const string FastCommits = """
        cd "$1"
        mkdir a b; for i in $(seq 1 60); do echo "old $i" > a/f$i; done; mkdir a/full
        for i in $(seq 1 120); do : > a/full/some-name-that-fills-the-block-$i; done
        head -c 400000 /dev/urandom > a/big; head -c 60000 /dev/urandom > a/holes
        sync -f .
        echo more >> a/f1; sync a/f1
        echo new > a/new; sync a/new
        ln a/f2 b/link; ln a/f2 b/second; sync a/f2
        mv a/f3 b/moved; sync b/moved
        mv b/moved a/f9; sync a/f9
        rm a/f4; echo x > a/f5; sync a/f5
        truncate -s 12345 a/big; sync a/big
        truncate -s 100 a/f10; truncate -s 0 a/f11; sync a/f10 a/f11
        for i in $(seq 2 2 20); do
          dd if=/dev/zero of=a/holes bs=8192 seek=$((i * 3)) count=1 conv=notrunc status=none
        done
        sync a/holes
        for i in $(seq 1 40); do name=a/full/another-name-which-needs-a-split-$i; echo "$i" > $name; sync $name; done
        for i in $(seq 1 30); do rm a/full/some-name-that-fills-the-block-$i; done
        sync a/full/another-name-which-needs-a-split-1
        """;

    [Theory]
    [InlineData("-t ext4 -b 4096", "")]
    [InlineData("-t ext4 -b 1024", "")]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,^64bit", "")]
    [InlineData("-t ext3 -b 4096", "")]
    public void Full_commits(string makeOptions, string mountOptions)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, mountOptions);
        Compare(image);
    }

    [Theory]
    [InlineData("-t ext4 -b 4096 -O fast_commit")]
    [InlineData("-t ext4 -b 4096 -O fast_commit -I 128")]
    public void Fast_commits_as_e2fsck_replays_them(string makeOptions)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, "commit=600", rounds: 0, FastCommits);
        Compare(image);
    }

    /// <summary>e2fsck 1.47.0 loses files with blocks of 1 KiB and invents a flag without metadata_csum; the kernel's
    /// own replay does neither.</summary>
    [Theory]
    [InlineData("-t ext4 -b 4096 -O fast_commit")]
    [InlineData("-t ext4 -b 1024 -O fast_commit")]
    [InlineData("-t ext4 -b 4096 -O fast_commit,^metadata_csum,^64bit")]
    [InlineData("-t ext4 -b 1024 -O fast_commit,^dir_index")]
    public void Fast_commits_as_the_kernel_replays_them(string makeOptions)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, "commit=600", rounds: 0, FastCommits);
        Compare(image, static path =>
        {
            using var mount = new LoopMount(path);
            mount.Unmount();
        });
    }

    private static void Compare(TestImage image, Action<string>? recover = null)
    {
        using TestImage repaired = image.Copy();
        (recover ?? (static path => E2fsck.RecoverAfterCrash(path)))(repaired.Path);
        List<string> expected = VolumeTree.Capture(repaired.Path);

        string hash = image.Hash();
        Assert.Equal(expected, VolumeTree.Capture(image.Path));
        Assert.Equal(hash, image.Hash());

        Errno error = ImageFile.Open(image.Path, isReadOnly: false, 0, isExclusive: false, out ImageFile? file);
        Assert.Equal(Errno.Ok, error);
        using (Volume volume = Volume.Open(file!, new VolumeOptions()))
        {
            Assert.Equal(expected, VolumeTree.Capture(volume));
        }
        Assert.Equal(expected, VolumeTree.Capture(image.Path));
        E2fsck.RecoverAfterCrash(image.Path);
    }
}
