using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>The power fails at any moment, with any of the sectors written since the last flush lost: what was synced is
/// there, nothing shows what a block held before, and the volume needs a replay and no more.</summary>
public sealed class VolumePowerLossTests
{
    private const byte Stale = 0xA5;
    private const int Rounds = 12;
    private const int Cuts = 20;

    [Theory]
    [InlineData("v8", "-t ext4 -b 4096")]
    [InlineData("v9", "-t ext4 -b 1024")]
    [InlineData("v8", "-t ext3 -b 1024")]
    [InlineData("v8", "-t ext4 -b 4096 -O bigalloc -C 16384")]
    public void What_was_synced_survives(string revision, string features)
    {
        RecordingStorage recording = null!;
        var promises = new List<(int Events, int Length)>();
        var random = new Random(7);
        byte[] content = Bench.Bytes(1 << 20, 3);
        for (int i = 0; i < content.Length; i++)
        {
            content[i] = (byte)(content[i] | 1);    // neither zero nor stale
            content[i] = content[i] == Stale ? (byte)1 : content[i];
        }
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20,
            inner => recording = new RecordingStorage(inner));
        Soil(bench.Bench);
        int begin = Events(bench, recording);
        long fd = bench.Bench.Create("/log");
        int length = 0;
        for (int round = 0; round < Rounds; round++)
        {
            int count = 1 + random.Next(round % 3 == 0 ? 100 : 60_000);
            count = Math.Min(count, content.Length - length);
            bench.Bench.Write(fd, content.AsSpan(length, count).ToArray(), length);
            length += count;
            if (random.Next(3) == 0)
            {
                _ = bench.Bench.User.Fstat(fd);
            }
            if (random.Next(2) == 0)
            {
                Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
                promises.Add((Events(bench, recording), length));
            }
            else
            {
                bench.Bench.Kernel.FlushInBackground(waits: true);
            }
        }
        bench.Bench.User.Close(fd);
        int end = Events(bench, recording);
        for (int cut = 0; cut < Cuts; cut++)
        {
            int events = random.Next(begin, end + 1);
            int synced = promises.Where(promise => promise.Events <= events).Select(promise => promise.Length)
                .DefaultIfEmpty(-1).Max();
            Check(bench.Storage.Quietly(() => recording.AfterPowerCut(events, random)), content, synced, $"cut at {events}");
        }
    }

    private static int Events(VolumeBench bench, RecordingStorage recording) =>
        bench.Storage.Quietly(() => recording.Events);

    /// <summary>Fills free blocks with what must never be seen again.</summary>
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

    private static void Check(byte[] image, byte[] content, int synced, string when)
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        File.WriteAllBytes(path, image);
        using (Volume volume = Volume.Open(EngineVolume.Device(path, isReadOnly: false), new VolumeOptions()))
        {
            var number = InodeNumber.None;
            bool isThere = volume.Lookup(InodeNumber.Root, "log"u8, out number) == Linux.Errno.Ok;
            Assert.True(isThere || synced < 0, $"{when}: the file is gone");
            if (isThere)
            {
                Assert.Equal(Linux.Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
                Assert.True(attributes.SizeBytes >= synced, $"{when}: {attributes.SizeBytes} bytes, {synced} were synced");
                byte[] found = new byte[attributes.SizeBytes];
                Assert.Equal(Linux.Errno.Ok, volume.Read(number, 0, found, out _));
                for (int i = 0; i < found.Length; i++)
                {
                    bool isGood = i < content.Length && (found[i] == content[i] || (i >= synced && found[i] == 0));
                    Assert.True(isGood, $"{when}: byte {i} is {found[i]:x2}, {synced} were synced, size {found.Length}");
                }
            }
        }
        E2fsck.AssertClean(path);
    }
}
