using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>The power fails while a file is written, cut, punched and given space: each byte is one that it had at the last
/// sync or later, and never what a block held before it was the file's. FUSE4FS_TEST_SCALE: rounds.</summary>
public sealed class VolumeHistoryTests
{
    private const byte Stale = 0xA5;
    private const int LargestFile = 200_000;
    private const int Operations = 40;
    private const int Cuts = 25;
    private const int KeepSize = 1, PunchHole = 2, ZeroRange = 16;

    [Theory]
    [InlineData("v8", "-t ext4 -b 4096", 1)]
    [InlineData("v9", "-t ext4 -b 4096", 2)]
    [InlineData("v8", "-t ext4 -b 1024", 3)]
    [InlineData("v8", "-t ext4 -b 4096 -O bigalloc -C 16384", 4)]
    [InlineData("v9", "-t ext3 -b 1024", 5)]
    public void A_cut_leaves_bytes_of_the_last_sync_or_later(string revision, string features, int seed)
    {
        for (int round = 0; round < TestSize.Scale; round++)
        {
            Run(revision, features, seed + (round * 100));
        }
    }

    private static void Run(string revision, string features, int seed)
    {
        bool hasUnwritten = features.Contains("ext4", StringComparison.Ordinal);
        RecordingStorage recording = null!;
        var random = new Random(seed);
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20,
            inner => recording = new RecordingStorage(inner));
        Soil(bench.Bench);
        long fd = bench.Bench.Create("/file");
        var model = new ModelFile();
        var states = new List<(int Events, byte[] Content, bool IsSynced)>();
        for (int step = 0; step < Operations; step++)
        {
            // What an operation leaves may be on the device before it has ended.
            int before = bench.Storage.Quietly(() => recording.Events);
            bool isSync = Step(bench.Bench, fd, model, random, hasUnwritten);
            int after = bench.Storage.Quietly(() => recording.Events);
            states.Add((isSync ? after : before, (byte[])model.Content.Clone(), isSync));
        }
        int end = bench.Storage.Quietly(() => recording.Events);
        int begin = states.First(state => state.IsSynced).Events;
        for (int cut = 0; cut < Cuts; cut++)
        {
            int events = random.Next(begin, end + 1);
            int synced = states.FindLastIndex(state => state.IsSynced && state.Events <= events);
            int last = states.FindLastIndex(state => state.Events <= events);
            List<byte[]> possible = [.. states.Skip(synced).Take(last - synced + 1).Select(state => state.Content)];
            Check(bench.Storage.Quietly(() => recording.AfterPowerCut(events, random)), possible,
                $"seed {seed}, cut at {events}, behind step {synced}");
        }
        bench.Bench.User.Close(fd);
    }

    private static bool Step(Bench bench, long fd, ModelFile model, Random random, bool hasUnwritten)
    {
        long offset = random.Next(LargestFile - 40_000);
        int length = 1 + random.Next(40_000);
        switch (random.Next(8))
        {
            case 0 or 1 or 2:
                byte[] data = Data(length, random);
                bench.Write(fd, data, offset);
                model.Write(offset, data);
                return false;
            case 3:
                Bench.Equal(0, bench.User.Ftruncate(fd, offset), "ftruncate");
                model.Resize(offset);
                return false;
            case 4:
                int mode = !hasUnwritten || random.Next(2) == 0 ? KeepSize | PunchHole : ZeroRange;
                Bench.Equal(0, bench.User.Fallocate(fd, mode, offset, length), "fallocate");
                model.Zero(offset, length, grows: mode == ZeroRange);
                return false;
            case 5:
                bench.Kernel.FlushInBackground(waits: true);
                return false;
            default:
                Bench.Equal(0, bench.User.Fsync(fd), "fsync");
                return true;
        }
    }

    /// <summary>Neither zero nor what was there before.</summary>
    private static byte[] Data(int length, Random random)
    {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++)
        {
            data[i] = (byte)(1 + random.Next(Stale - 1));
        }
        return data;
    }

    private static void Soil(Bench bench)
    {
        byte[] dirt = new byte[6 << 20];
        Array.Fill(dirt, Stale);
        long fd = bench.Create("/dirt");
        bench.Write(fd, dirt, 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Unlink("/dirt"), "unlink");
        Bench.Equal(0, bench.User.Syncfs(), "syncfs");
    }

    private static void Check(byte[] image, List<byte[]> possible, string when)
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        File.WriteAllBytes(path, image);
        using (Volume volume = Volume.Open(EngineVolume.Device(path, isReadOnly: false), new VolumeOptions()))
        {
            Assert.Equal(Linux.Errno.Ok, volume.Lookup(InodeNumber.Root, "file"u8, out InodeNumber number));
            Assert.Equal(Linux.Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
            byte[] found = new byte[attributes.SizeBytes];
            Assert.Equal(Linux.Errno.Ok, volume.Read(number, 0, found, out _));
            Assert.True(found.Length >= possible.Min(content => content.Length), $"{when}: {found.Length} bytes");
            Assert.True(found.Length <= possible.Max(content => content.Length), $"{when}: {found.Length} bytes");
            for (int i = 0; i < found.Length; i++)
            {
                byte value = found[i];
                bool isGood = possible.Exists(content => i < content.Length ? content[i] == value : value == 0);
                Assert.True(isGood, $"{when}: byte {i} of {found.Length} is {value:x2}");
            }
        }
        E2fsck.AssertClean(path);
    }
}
