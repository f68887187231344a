using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A short piece of work on a log of a few blocks, under a scheduler: two writers, the commit thread, the
/// checkpoint thread. The log wraps, a journaled block is freed and reused for data, and power is cut.</summary>
internal sealed class InterleavingRun
{
    private const uint LogBlocks = 32;
    private const int Rounds = 5;
    private const int Width = 4;
    private const int FreedBlock = 60;
    private const uint DataValue = 0xDA7A;

    private readonly byte[] _initial;
    private readonly List<LogRun> _runs;
    private readonly int _blockBytes;
    private readonly List<(int Step, int Writer, uint Round)> _begun = [];
    private readonly List<(int Step, int Writer, uint Round)> _durable = [];
    private int _dataDurableAt = int.MaxValue;

    /// <summary>Prepares the image of which each run takes a copy.</summary>
    public InterleavingRun(byte[] image, List<LogRun> runs)
    {
        _initial = image;
        _runs = runs;
        _blockBytes = JournalMap.ReadGeometry(new MemoryDevice(image)).BlockSizeBytes;
    }

    /// <summary>Cuts the journal of an image down to a few blocks.</summary>
    public static void ShortenLog(byte[] image, List<LogRun> runs, int blockBytes)
    {
        Span<byte> block = image.AsSpan((int)runs[0].Start.Value * blockBytes, JournalSuperblock.SizeBytes);
        ref JournalSuperblock super = ref MemoryMarshal.AsRef<JournalSuperblock>(block);
        super.LengthBlocks = LogBlocks;
        super.Checksum = JournalSuperblock.ComputeChecksum(block);
    }

    /// <summary>Runs once.</summary>
    /// <returns>What went wrong, or null.</returns>
    public string? Execute(DeterministicScheduler scheduler, JournalFaults faults, Random random, int cuts)
    {
        _begun.Clear();
        _durable.Clear();
        _dataDurableAt = int.MaxValue;
        var device = new RecordingDevice(_initial) { BeforeStep = scheduler.Step, IsAtomic = IsAtomic };
        JournaledVolume volume = JournaledVolume.Open(device, _runs, new JournalOptions
        {
            BacklogBytes = 24 * _blockBytes,
            Faults = faults,
            Scheduler = scheduler,
        }, null, LogBlocks, scheduler.Clock);
        try
        {
            scheduler.Run(
                () => Write(volume, device, 0),
                () => Write(volume, device, 1),
                () => Finish(scheduler, volume));
        }
        catch (InvalidOperationException stuck)
        {
            return stuck.Message;
        }
        string? wrong = Check(volume, device.Contents(), device.StepCount);
        List<int> points = [.. device.FlushBoundaries()];
        for (int i = 0; i < cuts && wrong is null; i++)
        {
            int cut = i % 2 == 0 ? points[random.Next(points.Count)] : random.Next(device.StepCount + 1);
            byte[]? recovered = Recover(device.AfterPowerCut(cut, random));
            wrong = recovered is null ? "recovery failed" : Check(volume, recovered, cut);
            wrong = wrong is null ? null : $"cut after {cut} of {device.StepCount}: {wrong}";
        }
        return wrong;
    }

    private static void Finish(DeterministicScheduler scheduler, JournaledVolume volume)
    {
        scheduler.Join("body 0");
        scheduler.Join("body 1");
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        Assert.Equal(0, volume.Journal.CreditOverruns);
    }

    private void Write(JournaledVolume volume, RecordingDevice device, int writer)
    {
        uint id = 0;
        for (uint round = 1; round <= Rounds; round++)
        {
            Note(_begun, device, writer, round);
            using (Handle handle = volume.Begin(Width))
            {
                id = handle.TransactionId;
                for (int i = 0; i < Width; i++)
                {
                    volume.Put(handle, (writer * Width) + i, round);
                }
                handle.Complete();
            }
            if (round % 2 == (uint)writer)
            {
                Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
                Note(_durable, device, writer, round);
            }
            if (writer == 0 && round == 2)
            {
                Reuse(volume, device);
            }
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
        Note(_durable, device, writer, Rounds);
    }

    /// <summary>Journals a block, frees it, and gives it to a file.</summary>
    private void Reuse(JournaledVolume volume, RecordingDevice device)
    {
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, FreedBlock, 7, isNew: true);
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(volume.Journal.RunningTransaction));
        uint id;
        using (Handle handle = volume.Begin(0, forgets: 1))
        {
            handle.Forget(volume.Block(FreedBlock));
            id = handle.TransactionId;
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
        byte[] data = new byte[_blockBytes];
        JournaledVolume.Fill(data, DataValue);
        device.Write((long)volume.Block(FreedBlock).Value * _blockBytes, data);
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, volume.Journal.DataTicket));
        _dataDurableAt = device.StepCount;
    }

    private static void Note(
        List<(int Step, int Writer, uint Round)> list, RecordingDevice device, int writer, uint round) =>
        list.Add((device.StepCount, writer, round));

    private string? Check(JournaledVolume volume, byte[] image, int cut)
    {
        for (int writer = 0; writer < 2; writer++)
        {
            uint value = volume.ValueIn(image, writer * Width);
            for (int i = 1; i < Width; i++)
            {
                if (volume.ValueIn(image, (writer * Width) + i) != value)
                {
                    return $"writer {writer}: half a handle";
                }
            }
            uint least = Last(_durable, writer, cut);
            uint most = Last(_begun, writer, cut);
            if (value < least || value > most)
            {
                return $"writer {writer}: round {value:x}, expected {least} to {most}";
            }
        }
        return cut >= _dataDurableAt && volume.ValueIn(image, FreedBlock) != DataValue
            ? $"the freed block holds {volume.ValueIn(image, FreedBlock):x} instead of its durable data"
            : null;
    }

    private static uint Last(List<(int Step, int Writer, uint Round)> list, int writer, int cut) =>
        list.Where(entry => entry.Writer == writer && entry.Step <= cut).Select(entry => entry.Round)
            .DefaultIfEmpty(0u).Max();

    private byte[]? Recover(byte[] crashed)
    {
        var device = new MemoryDevice(crashed);
        try
        {
            JournalSource source = JournalSource.OpenInternal(device, _blockBytes, _runs, LogBlocks);
            JournalRecovery.Run(source, device, JournalMap.ReadGeometry(device).BlockCount);
            return crashed;
        }
        catch (Ext4CorruptException)
        {
            return null;
        }
    }

    private bool IsAtomic(long offset, int length)
    {
        long journal = (long)_runs[0].Start.Value * _blockBytes;
        return length <= 512 || (offset == 1024 && length == 1024) || (offset == journal && length == _blockBytes);
    }
}
