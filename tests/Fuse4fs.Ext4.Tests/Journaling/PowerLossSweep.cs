using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Runs workloads on a recording device, then cuts the power everywhere.</summary>
internal sealed class PowerLossSweep
{
    private const int Threads = 3;

    private readonly byte[] _initial;
    private readonly List<LogRun> _runs;
    private readonly int _blockBytes;
    private readonly int _seed;

    /// <summary>Prepares a sweep over an image.</summary>
    public PowerLossSweep(string image, int seed)
    {
        _initial = File.ReadAllBytes(image);
        _runs = JournalMap.RunsOf(image);
        _blockBytes = JournalMap.ReadGeometry(new MemoryDevice(_initial)).BlockSizeBytes;
        _seed = seed;
    }

    /// <summary>Called with each image as the power cut left it, and what it may not say after recovery.</summary>
    public delegate string? Judge(byte[] crashed);

    /// <summary>Runs and cuts.</summary>
    /// <param name="faults">Steps to be left out.</param>
    /// <param name="operations">Of each thread.</param>
    /// <param name="randomCuts">Between the flushes.</param>
    /// <param name="recover">Turns an image after the cut into one after recovery; null means it could not.</param>
    /// <returns>The first violation found, or null.</returns>
    public string? Run(JournalFaults faults, int operations, int randomCuts, Func<byte[], byte[]?> recover)
    {
        var device = new RecordingDevice(_initial) { IsAtomic = IsAtomic };
        JournaledVolume volume = JournaledVolume.Open(device, _runs, new JournalOptions
        {
            CommitInterval = TimeSpan.FromMilliseconds(15),
            CheckpointAge = TimeSpan.FromMilliseconds(4),
            TransactionBytes = 64 * _blockBytes,
            BacklogBytes = 96 * _blockBytes,
            Faults = faults,
        });
        PowerLossWorkload[] workloads = [.. Enumerable.Range(0, Threads).Select(
            i => new PowerLossWorkload(volume, device, i * PowerLossWorkload.Blocks, _seed + i))];
        Thread[] threads = [.. workloads.Select(work => new Thread(() => work.Run(operations)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        volume.Journal.Close();
        var random = new Random(_seed);
        IEnumerable<int> cuts = device.FlushBoundaries()
            .Concat(Enumerable.Range(0, randomCuts).Select(_ => random.Next(device.StepCount + 1)));
        foreach (int cut in cuts)
        {
            byte[]? recovered = recover(device.AfterPowerCut(cut, random));
            if (recovered is null)
            {
                return $"seed {_seed}, cut after {cut}: recovery failed";
            }
            foreach (PowerLossWorkload work in workloads)
            {
                if (work.Check(recovered, cut) is { } wrong)
                {
                    return $"seed {_seed}, cut after {cut} of {device.StepCount} steps: {wrong}";
                }
            }
        }
        return null;
    }

    /// <summary>Recovers as a mount does.</summary>
    public byte[]? RecoverByUs(byte[] crashed)
    {
        var device = new MemoryDevice(crashed);
        try
        {
            JournalSource source = JournalSource.OpenInternal(device, _blockBytes, _runs);
            JournalRecovery.Run(source, device, JournalMap.ReadGeometry(device).BlockCount);
            return device.Bytes;
        }
        catch (Ext4CorruptException)
        {
            return null;
        }
    }

    /// <summary>Recovers by e2fsck.</summary>
    public static byte[]? RecoverByE2fsck(byte[] crashed, string scratch)
    {
        File.WriteAllBytes(scratch, crashed);
        ToolResult result = Tool.Run("e2fsck", "-y", "-E", "journal_only", scratch);
        return result.ExitCode is 0 or 1 ? File.ReadAllBytes(scratch) : null;
    }

    /// <summary>Superblock and journal superblock are smaller than what disks write as a whole.</summary>
    private bool IsAtomic(long offset, int length)
    {
        long journal = (long)_runs[0].Start.Value * _blockBytes;
        return length <= 512 || (offset == 1024 && length == 1024) || (offset == journal && length == _blockBytes);
    }
}
