using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>One thread's random changes of blocks of its own, and what must be true of every image that a power cut can
/// leave.</summary>
/// <remarks>
/// <para>Steady blocks are always metadata. Each handle gives a few of them the same new value. After a crash the
/// blocks must show the state behind some handle: not before the last one made durable, not beyond the last begun.
/// </para>
/// <para>Reused blocks go round: metadata, freed, data of a file (written past the journal, made durable by a flush of
/// its own), metadata again. While one is data, no crash may bring anything else back.</para>
/// </remarks>
internal sealed class PowerLossWorkload(JournaledVolume volume, RecordingDevice device, int firstBlock, int seed)
{
    public const int SteadyBlocks = 10;
    public const int ReusedBlocks = 4;
    public const int Blocks = SteadyBlocks + ReusedBlocks;

    private readonly Random _random = new(seed);
    private readonly List<List<(int Handle, uint Value)>> _history =
        [.. Enumerable.Range(0, SteadyBlocks).Select(_ => new List<(int, uint)> { (0, 0) })];

    private readonly List<(int Step, int Handle)> _durable = [(0, 0)];
    private readonly List<(int Step, int Handle)> _begun = [];
    private readonly List<DataPeriod> _periods = [];
    private readonly DataPeriod?[] _current = new DataPeriod?[ReusedBlocks];
    private int _handles;
    private uint _lastTransaction;

    /// <summary>Does so many random things.</summary>
    public void Run(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            switch (_random.Next(10))
            {
                case < 6:
                    Change();
                    break;
                case < 8:
                    MakeDurable();
                    break;
                default:
                    Reuse(_random.Next(ReusedBlocks));
                    break;
            }
        }
    }

    /// <summary>What is wrong with an image recovered from a cut after so many steps; null when nothing is.</summary>
    public string? Check(byte[] image, int steps)
    {
        int least = _durable.Last(entry => entry.Step <= steps).Handle;
        int most = _begun.LastOrDefault(entry => entry.Step <= steps).Handle;
        for (int i = 0; i < SteadyBlocks; i++)
        {
            uint value = volume.ValueIn(image, firstBlock + i);
            List<(int Handle, uint Value)> history = _history[i];
            int at = history.FindIndex(entry => entry.Value == value);
            if (at < 0)
            {
                return $"block {i} has value {value:x}, which it never had";
            }
            least = Math.Max(least, history[at].Handle);
            most = at + 1 < history.Count ? Math.Min(most, history[at + 1].Handle - 1) : most;
        }
        if (least > most)
        {
            return $"the blocks show no state between handles: at least {least}, at most {most}";
        }
        return CheckData(image, steps);
    }

    private string? CheckData(byte[] image, int steps)
    {
        foreach (DataPeriod period in _periods)
        {
            if (period.DurableFrom <= steps && steps <= period.Until
                && volume.ValueIn(image, period.Block) != period.Value)
            {
                return $"data block {period.Block} lost its durable value {period.Value:x}: "
                    + $"{volume.ValueIn(image, period.Block):x}";
            }
        }
        return null;
    }

    private void Change()
    {
        int count = _random.Next(1, 5);
        _handles++;
        _begun.Add((device.StepCount, _handles));
        using Handle handle = volume.Begin(count);
        _lastTransaction = handle.TransactionId;
        for (int i = 0; i < count; i++)
        {
            int block = _random.Next(SteadyBlocks);
            volume.Put(handle, firstBlock + block, (uint)_handles);
            if (_history[block][^1].Handle != _handles)
            {
                _history[block].Add((_handles, (uint)_handles));
            }
        }
        handle.Complete();
    }

    private void MakeDurable()
    {
        int handles = _handles;
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(_lastTransaction));
        _durable.Add((device.StepCount, handles));
    }

    private void Reuse(int which)
    {
        int block = firstBlock + SteadyBlocks + which;
        uint value = 0x10000u + (uint)_random.Next(1 << 20);
        if (_current[which] is { } period)
        {
            period.Until = device.StepCount;
            _current[which] = null;
            using Handle create = volume.Begin(1);
            volume.Put(create, block, value, isNew: true);
            create.Complete();
            return;
        }
        for (int i = _random.Next(3); i >= 0; i--)
        {
            uint id;
            using (Handle update = volume.Begin(1))
            {
                volume.Put(update, block, value + (uint)i);
                id = update.TransactionId;
                update.Complete();
            }
            if (_random.Next(2) == 0)
            {
                Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
            }
        }
        Free(which, block, value ^ 0x5000000);
    }

    private void Free(int which, int block, uint value)
    {
        var freed = new Freed();
        uint id;
        using (Handle handle = volume.Begin(0, forgets: 1))
        {
            handle.Forget(volume.Block(block));
            handle.AtCommit(freed);
            id = handle.TransactionId;
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
        Assert.True(freed.IsDurable);
        byte[] data = new byte[volume.Context.Geometry.BlockSizeBytes];
        JournaledVolume.Fill(data, value);
        device.Write((long)volume.Block(block).Value * data.Length, data);
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, volume.Journal.DataTicket));
        _current[which] = new DataPeriod(block, value, device.StepCount);
        _periods.Add(_current[which]!);
    }

    private sealed class Freed : ICommitAction
    {
        public bool IsDurable { get; private set; }

        public void TransactionEnded(bool isDurable) => IsDurable = isDurable;
    }

    /// <summary>A time during which a block holds durable data.</summary>
    private sealed class DataPeriod(int block, uint value, int durableFrom)
    {
        public int Block { get; } = block;

        public uint Value { get; } = value;

        public int DurableFrom { get; } = durableFrom;

        public int Until { get; set; } = int.MaxValue;
    }
}
