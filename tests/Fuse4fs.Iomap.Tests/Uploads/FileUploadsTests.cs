using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Uploads;

/// <summary>What is uploaded ahead, counted on the twin; and that failing uploads cost nothing but requests.</summary>
public sealed class FileUploadsTests
{
    private const int BlockBytes = 4096;
    private const int Extents = 1500;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_in_pieces_is_read_with_few_requests(bool isV9)
    {
        TwinOptions options = isV9 ? TwinOptions.V9 : TwinOptions.V8;
        using var sample = new SampleBench(options, isPumped: true, uploads: true);
        byte[] content = WriteInPieces(sample.Bench);
        sample.Bench.Kernel.DropCaches(inodes: true);
        sample.Bench.Kernel.Trace.Take();
        int uploads = 0;
        sample.Bench.Kernel.Faults.OnNotification = (code, _) =>
        {
            uploads += code == NotifyCode.UpsertMappings ? 1 : 0;
            return Errno.Ok;
        };
        long fd = sample.Bench.Open("/pieces");
        sample.Bench.Compare(fd, content, "first reading");
        Assert.InRange(Begins(sample.Bench), 1, 12);
        Assert.InRange(uploads, Extents, Extents + 40);
        sample.Bench.User.DropCache(fd);
        sample.Bench.Compare(fd, content, "second reading");
        sample.Bench.Write(fd, content.AsSpan(BlockBytes, BlockBytes).ToArray(), BlockBytes);
        Assert.Equal(0, sample.Bench.User.Fsync(fd));
        Assert.Equal(0, Begins(sample.Bench));
        sample.Bench.User.Close(fd);
        sample.Bench.Finish();
        Assert.Empty(sample.Errors);
    }

    [Theory]
    [InlineData(Errno.ENOMEM)]
    [InlineData(Errno.ESTALE)]
    [InlineData(Errno.EINVAL)]
    public void Uploads_that_fail_now_and_then_do_no_harm(Errno failure)
    {
        int seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var sample = new SampleBench(TwinOptions.V8 with { Seed = seed }, isPumped: true, uploads: true);
        sample.Bench.Kernel.Faults.OnNotification = (code, _) =>
            code == NotifyCode.UpsertMappings && random.Next(4) == 0 ? failure : Errno.Ok;
        new RandomOperations(sample.Bench, seed, 150).Run();
        sample.Bench.Finish();
        Assert.Empty(sample.Errors);
    }

    /// <summary>Two files written in turn, so that neither has two blocks that follow each other.</summary>
    private static byte[] WriteInPieces(Bench bench)
    {
        byte[] content = Bench.Bytes(Extents * BlockBytes, 1);
        long fd = bench.Open("/pieces", KernelTwin.Files.OpenFlags.ReadWrite | KernelTwin.Files.OpenFlags.Create
            | KernelTwin.Files.OpenFlags.Direct);
        long other = bench.Open("/other", KernelTwin.Files.OpenFlags.ReadWrite | KernelTwin.Files.OpenFlags.Create
            | KernelTwin.Files.OpenFlags.Direct);
        for (int i = 0; i < Extents; i++)
        {
            long offset = (long)i * BlockBytes;
            bench.Write(fd, content.AsSpan(i * BlockBytes, BlockBytes).ToArray(), offset);
            bench.Write(other, new byte[BlockBytes], offset);
        }
        bench.User.Close(fd);
        bench.User.Close(other);
        return content;
    }

    private static int Begins(Bench bench)
    {
        bench.Kernel.Settle();
        return bench.Kernel.Trace.Take().Count(line => line.Contains("B(", StringComparison.Ordinal));
    }
}
