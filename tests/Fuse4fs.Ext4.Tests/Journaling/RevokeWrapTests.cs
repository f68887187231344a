using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A log of 32 blocks in which the transaction with a revoke lies at every place in turn, across the end, too,
/// becomes the oldest one and is overwritten. The power is cut behind every step.</summary>
public sealed class RevokeWrapTests : IDisposable
{
    private const int LogBlocks = 32;
    private const int FreedBlock = 60;
    private const int FillerBlock = 61;
    private const uint DataValue = 0xDA7A;

    private readonly TestImage _image = new("-t ext4 -b 1024 -N 16 -J size=1", 4L << 20);
    private readonly byte[] _bytes;
    private readonly List<LogRun> _runs;

    public RevokeWrapTests()
    {
        _bytes = File.ReadAllBytes(_image.Path);
        _runs = JournalMap.RunsOf(_image.Path);
        InterleavingRun.ShortenLog(_bytes, _runs, 1024);
    }

    [Fact]
    public void A_revoke_counts_as_long_as_what_it_revokes_is_in_the_log()
    {
        for (int shift = 0; shift < LogBlocks; shift++)
        {
            string? wrong = Run(shift, JournalFaults.None);
            Assert.True(wrong is null, $"shift {shift}: {wrong}");
        }
    }

    [Fact]
    public void Its_absence_is_noticed() =>
        Assert.Contains(
            Enumerable.Range(0, LogBlocks), shift => Run(shift, new JournalFaults { DropRevokes = true }) is not null);

    public void Dispose() => _image.Dispose();

    private string? Run(int shift, JournalFaults faults)
    {
        var device = new RecordingDevice((byte[])_bytes.Clone());
        JournaledVolume volume = JournaledVolume.Open(device, _runs, new JournalOptions
        {
            CheckpointAge = TimeSpan.FromHours(1),
            Faults = faults,
        }, null, LogBlocks);
        uint filler = 0;
        for (int i = 0; i < shift; i++)
        {
            Commit(volume, FillerBlock, ++filler);
        }
        Commit(volume, FreedBlock, 7);
        uint id;
        using (Handle handle = volume.Begin(0, forgets: 1))
        {
            handle.Forget(volume.Block(FreedBlock));
            id = handle.TransactionId;
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
        byte[] data = new byte[volume.Context.Geometry.BlockSizeBytes];
        JournaledVolume.Fill(data, DataValue);
        device.Write((long)volume.Block(FreedBlock).Value * data.Length, data);
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, volume.Journal.DataTicket));
        int durableAt = device.StepCount;
        for (int i = 0; i < LogBlocks / 2; i++)
        {
            Commit(volume, FillerBlock, ++filler);
        }
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        return Cut(device, volume, durableAt);
    }

    private static void Commit(JournaledVolume volume, int block, uint value)
    {
        uint id;
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, block, value, isNew: true);
            id = handle.TransactionId;
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
    }

    private string? Cut(RecordingDevice device, JournaledVolume volume, int durableAt)
    {
        for (int cut = durableAt; cut <= device.StepCount; cut++)
        {
            int[] open = [.. device.UnflushedWrites(cut).Select(write => write.Step)];
            int last = open.Length > 0 ? open[^1] : -1;
            foreach (byte[] crashed in (byte[][])[
                device.AfterPowerCut(cut, static _ => false), device.AfterPowerCut(cut, static _ => true),
                device.AfterPowerCut(cut, step => step == last)])
            {
                var memory = new MemoryDevice(crashed);
                Geometry geometry = volume.Context.Geometry;
                JournalSource source = JournalSource.OpenInternal(memory, geometry.BlockSizeBytes, _runs, LogBlocks);
                JournalRecovery.Run(source, memory, geometry.BlockCount);
                uint found = volume.ValueIn(crashed, FreedBlock);
                if (found != DataValue)
                {
                    return $"cut {cut} of {device.StepCount}: the freed block holds {found:x}";
                }
            }
        }
        return null;
    }
}
