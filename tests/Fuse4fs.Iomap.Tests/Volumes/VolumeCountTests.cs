using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Wire;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>How often the kernel has to ask, and is told. FUSE4FS_TEST_EXTENTS: of the file that is read from end to end.
/// </summary>
public sealed class VolumeCountTests
{
    private const int Block = 4096;
    private const int DirectWrites = 16_384;

    /// <summary>Of a file's extents to a million, so many questions.</summary>
    private const int MostQuestions = 600;

    /// <summary>As the server asks the kernel for on a real mount: 32768 mappings of a file.</summary>
    private const uint ServedCacheBytes = 1 << 20;

    private static int Extents => TestSize.Of("FUSE4FS_TEST_EXTENTS", 40_000);

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void A_file_whose_map_is_known_causes_no_requests(string revision)
    {
        const int pieces = 200;
        using VolumeBench bench = Make(revision);
        WriteFragments(bench.Bench, pieces);
        long fd = bench.Bench.Open("/fragments");
        _ = bench.Bench.Kernel.Trace.Take();
        byte[] buffer = new byte[2 * pieces * Block];
        for (int round = 0; round < 2; round++)
        {
            Bench.Equal(buffer.Length, bench.Bench.User.Pread(fd, buffer, 0), "read");
            Assert.Empty(bench.Bench.Kernel.Trace.Take());
            bench.Bench.User.DropCache(fd);
        }
        long direct = bench.Bench.Open("/fragments", OpenFlags.ReadWrite | OpenFlags.Direct);
        // Before its first change a file's set-id bits and capabilities are looked at, once.
        bench.Bench.Write(fd, Bench.Bytes(1, 1), 0);
        _ = bench.Bench.Kernel.Trace.Take();
        byte[] data = Bench.Bytes(Block, 2);
        for (int piece = 0; piece < pieces; piece++)
        {
            bench.Bench.Write(piece % 2 == 0 ? fd : direct, data, 2L * piece * Block);
        }
        Assert.Empty(bench.Bench.Kernel.Trace.Take());
        bench.Bench.User.Close(direct);
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        fd = bench.Bench.Open("/fragments");
        Bench.Equal(buffer.Length, bench.Bench.User.Pread(fd, buffer, 0), "read");
        for (int piece = 0; piece < pieces; piece++)
        {
            Assert.Equal(data, buffer[(2 * piece * Block)..((2 * piece * Block) + Block)]);
        }
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void Random_direct_writes_share_commits_and_uploads(string revision)
    {
        using VolumeBench bench = Make(revision, 128 << 20);
        long fd = bench.Bench.Create("/direct");
        Bench.Equal(0, bench.Bench.User.Fallocate(fd, 0, 0, (long)DirectWrites * Block), "fallocate");
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        fd = bench.Bench.Open("/direct", OpenFlags.ReadWrite | OpenFlags.Direct);
        _ = bench.Bench.Kernel.Trace.Take();
        ulong commits = bench.Volume.JournalFill!.Value.Commits;
        int uploads = bench.Bench.Kernel.Notifications[NotifyCode.UpsertMappings];
        int[] order = [.. Enumerable.Range(0, DirectWrites)];
        new Random(5).Shuffle(order);
        byte[] data = Bench.Bytes(Block, 1);
        foreach (int block in order)
        {
            bench.Bench.Write(fd, data, (long)block * Block);
        }
        commits = bench.Volume.JournalFill!.Value.Commits - commits;
        string[] lines = bench.Bench.Kernel.Trace.Take();
        uploads = bench.Bench.Kernel.Notifications[NotifyCode.UpsertMappings] - uploads;
        int questions = VolumeBench.Count(lines, "B(");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{commits} commits, {uploads} uploads, {questions} BEGIN, {VolumeBench.Count(lines, "I[")} IOEND");
        Assert.True(uploads <= DirectWrites / 8, $"{uploads} uploads");
        Assert.True(commits <= DirectWrites / 1000, $"{commits} commits");
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    /// <summary>A file in more pieces than the kernel keeps: they are told in windows that grow, each once.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void A_sequential_read_of_many_extents_asks_rarely(string revision)
    {
        const int small = 1024;
        const int step = 128;
        int extents = Extents;
        long imageBytes = ((long)extents * small * 9 / 8) + (48 << 20);
        using var bench = new VolumeBench(OptionsOf(revision), "-t ext4 -b 1024", imageBytes / small * small)
        {
            CacheBytes = ServedCacheBytes,
        };
        FragmentedFile.Make(bench.ImagePath, "fragments", extents, small);
        var told = new HashSet<long>();
        bench.Bench.Kernel.Notifications.OnUpload = (_, mapping) => told.Add(mapping.Offset);
        long fd = bench.Bench.Open("/fragments", OpenFlags.ReadOnly);
        byte[] buffer = new byte[step * small];
        int questions = 0;
        for (int block = 0; block < extents; block += step)
        {
            int count = Math.Min(step, extents - block);
            Assert.Equal(count * small, bench.Bench.User.Pread(fd, buffer, (long)block * small));
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(FragmentedFile.ContentOf(block + i), buffer[i * small]);
            }
            questions += VolumeBench.Count(bench.Bench.Kernel.Trace.Take(), "B(R)");
            if (block % (step * step) == 0)
            {
                bench.Bench.User.DropCache(fd);
            }
        }
        int uploads = bench.Bench.Kernel.Notifications[NotifyCode.UpsertMappings];
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{extents} extents: {questions} BEGIN, {uploads} uploads, {told.Count} different");
        Assert.True(questions <= Math.Max(1, (long)MostQuestions * extents / 1_000_000), $"{questions} questions");
        Assert.Equal(told.Count, uploads);
        Assert.InRange(uploads, extents, extents + 1);  // what lies behind the end of the file is told, too
        Assert.Equal(0, bench.Bench.Kernel.CacheOverruns);
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    private static TwinOptions OptionsOf(string revision) => revision == "v8" ? TwinOptions.V8 : TwinOptions.V9;

    /// <summary>No commit of the timer's own: how many there are would depend on the machine.</summary>
    private static VolumeBench Make(string revision, long sizeBytes = 64 << 20) =>
        new(OptionsOf(revision), "-t ext4 -b 4096", sizeBytes) { CommitInterval = TimeSpan.FromMinutes(10) };

    /// <summary>A file in which every second block is a hole.</summary>
    private static void WriteFragments(Bench bench, int pieces)
    {
        long fd = bench.Create("/fragments");
        byte[] data = Bench.Bytes(Block, 1);
        for (int i = 0; i < pieces; i++)
        {
            bench.Write(fd, data, 2L * i * Block);
        }
        Bench.Equal(0, bench.User.Ftruncate(fd, 2L * pieces * Block), "ftruncate");
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        bench.Kernel.DropCaches(inodes: true);
    }
}
