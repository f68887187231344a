using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Allocation;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Cuts the power in the middle of work on a whole volume, and judges what is left: by our own recovery and
/// e2fsck -fn, or by e2fsck's recovery, and by what was promised.</summary>
internal sealed class CrashSweep : IDisposable
{
    /// <summary>What free blocks hold before the work begins; nobody writes it.</summary>
    private const byte Stale = 0xEE;

    /// <summary>How many points of a difficult moment are cut in the everyday run.</summary>
    private const int PointsOfWindow = 60;

    /// <summary>What e2fsck says of more than forgotten orphans.</summary>
    private static readonly string[] s_damages =
        ["Multiply-claimed", "corrupt", "invalid", "Unconnected", "should be", "deleted/unused", "duplicate"];

    private readonly TestImage _image;
    private readonly long _journalAt;
    private readonly int _blockBytes;
    private byte[] _lastHash = [];

    /// <summary>Makes an image.</summary>
    /// <param name="options">For mke2fs.</param>
    /// <param name="sizeBytes">Small: each cut copies it.</param>
    /// <param name="contents">A tree to begin with.</param>
    public CrashSweep(string options, long sizeBytes, string? contents = null)
    {
        _image = new TestImage(options, sizeBytes, contents);
        byte[] bytes = FillFreeBlocks(_image.Path);
        _blockBytes = JournalMap.ReadGeometry(new MemoryDevice(bytes)).BlockSizeBytes;
        _journalAt = (long)JournalMap.RunsOf(_image.Path)[0].Start.Value * _blockBytes;
        Initial = bytes;
    }

    /// <summary>The image to begin with; tests may change it before they make a device.</summary>
    public byte[] Initial { get; set; }

    /// <summary>The image's file, for tools. What it holds is one of the crashed images after a check.</summary>
    public TestImage Image => _image;

    /// <summary>Images judged.</summary>
    public int Checked { get; private set; }

    /// <summary>A journal that commits and writes home all the time, so that little work has many of its states.
    /// </summary>
    public VolumeOptions Hasty(JournalFaults? faults = null) => new()
    {
        CommitInterval = TimeSpan.FromMilliseconds(4),
        Journal = new JournalOptions
        {
            CheckpointAge = TimeSpan.FromMilliseconds(6),
            TransactionBytes = 160 * _blockBytes,
            BacklogBytes = 200 * _blockBytes,
            Faults = faults ?? JournalFaults.None,
        },
        CacheBytes = 1 << 20,
    };

    /// <summary>As <see cref="Hasty(JournalFaults?)"/>, with data= given.</summary>
    public VolumeOptions Hasty(DataMode mode)
    {
        VolumeOptions hasty = Hasty();
        return new VolumeOptions
        {
            CommitInterval = hasty.CommitInterval,
            Journal = hasty.Journal,
            CacheBytes = hasty.CacheBytes,
            DataMode = mode,
        };
    }

    /// <summary>A device with the initial image. Superblock and journal superblock are smaller than what disks write as
    /// a whole, everything else may tear.</summary>
    public RecordingDevice NewDevice() => new((byte[])Initial.Clone())
    {
        IsAtomic = (offset, length) => length <= 512 || (offset <= 1024 && offset + length >= 2048)
            || (offset == _journalAt && length == _blockBytes),
    };

    /// <summary>Points right behind a write of the journal superblock, whose flush is still to come.</summary>
    public IReadOnlyList<int> TailPoints(RecordingDevice device) => device.PointsBehindWritesAt(_journalAt);

    /// <summary>Whether a write goes to the journal superblock.</summary>
    public bool IsTail(long offset) => offset == _journalAt;

    /// <summary>Cuts at every flush, behind every move of the log's tail and at random points, and judges.</summary>
    /// <param name="device">After the work.</param>
    /// <param name="random">Decides where, and what the power cut leaves.</param>
    /// <param name="randomCuts">Points between flushes.</param>
    /// <param name="check">What is wrong with a volume recovered from a cut after so many steps, or null.</param>
    /// <returns>The first thing found wrong, or null.</returns>
    public string? Cut(RecordingDevice device, Random random, int randomCuts, Func<Volume, int, string?> check)
    {
        int count = device.StepCount;
        IEnumerable<int> cuts = device.FlushBoundaries().Concat(TailPoints(device))
            .Concat(Enumerable.Range(0, randomCuts).Select(_ => random.Next(count + 1)));
        foreach (int cut in cuts)
        {
            byte[] crashed = device.AfterPowerCut(cut, random);
            if (Judge(crashed, cut, Checked % 4 == 3, check) is { } wrong)
            {
                return $"cut after {cut} of {count} steps: {wrong}";
            }
        }
        return null;
    }

    /// <summary>Cuts behind every single step, or evenly spread ones and all flushes where there are many, and judges
    /// what is left when of the writes that no flush covers none, all, only the last, all but the first, or a random
    /// choice have reached the medium.</summary>
    public string? CutEverywhere(RecordingDevice device, Random random, Func<Volume, int, string?> check)
    {
        int count = device.StepCount;
        int stride = Math.Max(1, count / (PointsOfWindow * TestScale.Factor));
        int first = random.Next(stride);
        HashSet<int> boundaries = [.. device.FlushBoundaries(), .. TailPoints(device)];
        for (int cut = 0; cut <= count; cut++)
        {
            if (cut % stride != first && !boundaries.Contains(cut))
            {
                continue;
            }
            int[] open = [.. device.UnflushedWrites(cut).Select(write => write.Step)];
            var images = new List<byte[]> { device.AfterPowerCut(cut, static _ => false) };
            if (open.Length > 0)
            {
                images.Add(device.AfterPowerCut(cut, step => step == open[^1]));
            }
            if (open.Length > 1)
            {
                images.Add(device.AfterPowerCut(cut, static _ => true));
                images.Add(device.AfterPowerCut(cut, step => step != open[0]));
                images.Add(device.AfterPowerCut(cut, random));
            }
            foreach (byte[] image in images.Where(IsNew))
            {
                if (Judge(image, cut, Checked % 4 == 3, check) is { } wrong)
                {
                    return $"cut after {cut} of {count} steps: {wrong}";
                }
            }
        }
        return null;
    }

    /// <summary>Judges one image.</summary>
    /// <param name="crashed">As the crash left it.</param>
    /// <param name="cut">Handed to the check.</param>
    /// <param name="byE2fsck">Recovered by e2fsck, instead of by us.</param>
    /// <param name="check">As for <see cref="Cut"/>.</param>
    public string? Judge(byte[] crashed, int cut, bool byE2fsck, Func<Volume, int, string?> check)
    {
        Checked++;
        try
        {
            return byE2fsck ? ByE2fsck(crashed, cut, check) : ByUs(crashed, cut, check);
        }
        catch (Exception failure) when (failure is OracleException or VolumeRefusedException or Ext4CorruptException
            or Xunit.Sdk.XunitException or InvalidOperationException)
        {
            return failure.Message;
        }
    }

    /// <summary>Judges an image that a failing device left, marked as having errors: then orphans stay for e2fsck, as
    /// with the kernel.</summary>
    public string? JudgeAfterFailure(byte[] crashed, int cut, Func<Volume, int, string?> check)
    {
        Checked++;
        var device = new MemoryDevice((byte[])crashed.Clone());
        using (Volume volume = Volume.Open(device, new VolumeOptions()))
        {
            if (check(volume, cut) is { } wrong)
            {
                return wrong;
            }
        }
        device.Save(_image.Path);
        ToolResult repair = Tool.Run("e2fsck", "-f", "-y", _image.Path);
        // So it calls orphans of a list that was cleared.
        string said = repair.Output.Replace("a corrupted orphan linked list", "", StringComparison.Ordinal);
        if (repair.ExitCode > 1 || s_damages.Any(damage => said.Contains(damage, StringComparison.Ordinal)))
        {
            return repair.ToString();
        }
        _image.AssertClean();
        using Volume repaired = VolumeOpening.ReadOnly(_image.Path);
        return check(repaired, cut) is { } changed ? $"after e2fsck: {changed}" : null;
    }

    public void Dispose() => _image.Dispose();

    /// <summary>Many cuts leave what the one before left.</summary>
    private bool IsNew(byte[] image)
    {
        byte[] hash = System.Security.Cryptography.SHA256.HashData(image);
        bool isNew = !hash.AsSpan().SequenceEqual(_lastHash);
        _lastHash = hash;
        return isNew;
    }

    private string? ByUs(byte[] crashed, int cut, Func<Volume, int, string?> check)
    {
        var events = new CollectedEvents();
        var device = new MemoryDevice((byte[])crashed.Clone());
        string? wrong;
        using (Volume volume = Volume.Open(device, new VolumeOptions { Events = events, CacheBytes = 1 << 20 }))
        {
            wrong = volume.IsReadOnly ? "not writable" : check(volume, cut);
        }
        if (wrong is null && !events.Damages.IsEmpty)
        {
            wrong = $"damage: {events.Damages.First().Message}";
        }
        if (wrong is null)
        {
            device.Save(_image.Path);
            _image.AssertClean();
        }
        return wrong;
    }

    private string? ByE2fsck(byte[] crashed, int cut, Func<Volume, int, string?> check)
    {
        File.WriteAllBytes(_image.Path, crashed);
        if (E2fsck.RecoverAfterCrash(_image.Path).Contains("Unattached inode", StringComparison.Ordinal))
        {
            return null;    // a value that e2fsck forgot is in lost+found now
        }
        using Volume volume = VolumeOpening.ReadOnly(_image.Path);
        return check(volume, cut) is { } wrong ? $"recovered by e2fsck: {wrong}" : null;
    }

    private static byte[] FillFreeBlocks(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        string report = Tool.Check("dumpe2fs", path);
        int block = int.Parse(
            Regex.Match(report, @"Block size:\s+(\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        foreach (Match list in Regex.Matches(report, @"^  Free blocks: (\d.*)$", RegexOptions.Multiline))
        {
            foreach (string range in list.Groups[1].Value.Split(", "))
            {
                int[] ends = [.. range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
                bytes.AsSpan(ends[0] * block, (ends[^1] - ends[0] + 1) * block).Fill(Stale);
            }
        }
        return bytes;
    }
}
