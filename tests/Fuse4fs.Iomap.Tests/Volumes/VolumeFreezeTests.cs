using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>A frozen volume is clean, stays as it is, and goes on afterwards.</summary>
public sealed class VolumeFreezeTests
{
    [Theory]
    [InlineData("-t ext4 -b 4096")]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext2 -b 1024")]
    public void A_frozen_volume_needs_no_recovery(string features)
    {
        using var bench = new VolumeBench(TwinOptions.V8, features);
        byte[] data = Bench.Bytes(200_000, 1);
        for (int round = 0; round < 3; round++)
        {
            long fd = bench.Bench.Create($"/file{round}");
            bench.Bench.Write(fd, data, 0);
            Bench.Equal(0, bench.Bench.User.Freeze(), "freeze");
            bench.MustNotWrite = true;
            using (var directory = new TemporaryDirectory())
            {
                string copy = directory.Combine("frozen");
                File.Copy(bench.ImagePath, copy);
                E2fsck.AssertClean(copy);
                string header = Tool.Check("dumpe2fs", "-h", copy);
                Assert.DoesNotContain("needs_recovery", header, StringComparison.Ordinal);
            }
            Bench.Equal(200_000, bench.Bench.User.Fstat(fd).Stat!.Size, "stat while frozen");
            bench.MustNotWrite = false;
            Bench.Equal(0, bench.Bench.User.Thaw(), "thaw");
            bench.Bench.Write(fd, data, 200_000);
            bench.Bench.User.Close(fd);
        }
        bench.Bench.Holds("/file1", [.. data, .. data]);
        bench.Finish();
        Assert.Empty(bench.Warnings);
    }
}
