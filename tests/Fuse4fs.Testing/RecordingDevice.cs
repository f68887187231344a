using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Testing;

/// <summary>Logs writes and flushes on their way down, and rebuilds the images a power cut could have left.</summary>
/// <remarks>What a flush promises covers the writes that had completed when it was called. All later ones may be there
/// or not, in any combination, and torn between sectors.</remarks>
public sealed class RecordingDevice : IBlockDevice
{
    /// <summary>What a disk writes as a whole.</summary>
    private const int SectorBytes = 512;

    private readonly Lock _gate = new();
    private readonly MemoryDevice _below;
    private readonly List<Step> _steps = [];
    private byte[] _initial;

    /// <summary>Starts recording over these contents.</summary>
    public RecordingDevice(byte[] initial)
    {
        _initial = initial;
        _below = new MemoryDevice((byte[])initial.Clone());
    }

    /// <summary>What a step of the log was.</summary>
    private enum StepKind
    {
        Write,
        FlushCalled,
        FlushReturned,
    }

    /// <summary>Steps so far: the points between which power can be cut.</summary>
    public int StepCount
    {
        get
        {
            lock (_gate)
            {
                return _steps.Count;
            }
        }
    }

    /// <summary>Ranges that a disk writes whole or not at all; everything else may tear between sectors.</summary>
    public Func<long, int, bool> IsAtomic { get; init; } = static (_, length) => length <= SectorBytes;

    /// <summary>Called before each step with no lock held: a place to switch threads, or to fail.</summary>
    public Action? BeforeStep { get; set; }

    /// <inheritdoc/>
    public long LengthBytes => _below.LengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <summary>The contents now, as a killed process would leave them: every write counts.</summary>
    public byte[] Contents()
    {
        lock (_gate)
        {
            return (byte[])_below.Bytes.Clone();
        }
    }

    /// <summary>Forgets what was recorded: what is written by now counts as durable from the beginning.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _initial = (byte[])_below.Bytes.Clone();
            _steps.Clear();
        }
    }

    /// <summary>The writes among the first steps that no flush had covered by then.</summary>
    /// <param name="steps">0 to <see cref="StepCount"/>.</param>
    /// <returns>Which steps they were, and where they wrote.</returns>
    public IReadOnlyList<(int Step, long Offset, int Length)> UnflushedWrites(int steps)
    {
        lock (_gate)
        {
            int durable = DurableSteps(steps);
            return [.. Enumerable.Range(durable, steps - durable)
                .Where(index => _steps[index].Kind == StepKind.Write)
                .Select(index => (index, _steps[index].Offset, _steps[index].Data.Length))];
        }
    }

    /// <summary>The image that a power cut after so many steps leaves when exactly these writes, of those that no flush
    /// covers, have reached the medium.</summary>
    public byte[] AfterPowerCut(int steps, Func<int, bool> keeps)
    {
        ArgumentNullException.ThrowIfNull(keeps);
        lock (_gate)
        {
            byte[] image = (byte[])_initial.Clone();
            int durable = DurableSteps(steps);
            for (int i = 0; i < steps; i++)
            {
                if (_steps[i].Kind == StepKind.Write && (i < durable || keeps(i)))
                {
                    _steps[i].Data.CopyTo(image.AsSpan((int)_steps[i].Offset));
                }
            }
            return image;
        }
    }

    /// <summary>Points right behind a write at a place.</summary>
    public IReadOnlyList<int> PointsBehindWritesAt(long offset)
    {
        lock (_gate)
        {
            return [.. Enumerable.Range(0, _steps.Count)
                .Where(index => _steps[index].Kind == StepKind.Write && _steps[index].Offset == offset)
                .Select(index => index + 1)];
        }
    }

    /// <summary>Points right behind a flush.</summary>
    public IReadOnlyList<int> FlushBoundaries()
    {
        lock (_gate)
        {
            return [.. Enumerable.Range(0, _steps.Count)
                .Where(index => _steps[index].Kind == StepKind.FlushReturned)
                .Select(index => index + 1)];
        }
    }

    /// <summary>An image that a power cut after so many steps could leave.</summary>
    /// <param name="steps">0 to <see cref="StepCount"/>.</param>
    /// <param name="random">Decides about the writes that no flush covers.</param>
    public byte[] AfterPowerCut(int steps, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        lock (_gate)
        {
            byte[] image = (byte[])_initial.Clone();
            int durable = DurableSteps(steps);
            double keep = random.Next(4) switch { 0 => 0.0, 1 => 1.0, _ => random.NextDouble() };
            for (int i = 0; i < steps; i++)
            {
                Step step = _steps[i];
                if (step.Kind != StepKind.Write)
                {
                    continue;
                }
                if (i < durable)
                {
                    step.Data.CopyTo(image.AsSpan((int)step.Offset));
                }
                else if (random.NextDouble() < keep)
                {
                    Tear(step, image, random);
                }
            }
            return image;
        }
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer) => _below.Read(offsetBytes, buffer);

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        BeforeStep?.Invoke();
        lock (_gate)
        {
            _below.Write(offsetBytes, buffer);
            _steps.Add(new Step(StepKind.Write, offsetBytes, buffer.ToArray(), 0));
        }
    }

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            Write(offsetBytes, buffer.Span);
            offsetBytes += buffer.Length;
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        BeforeStep?.Invoke();
        int called;
        lock (_gate)
        {
            called = _steps.Count;
            _steps.Add(new Step(StepKind.FlushCalled, 0, [], called));
        }
        BeforeStep?.Invoke();
        lock (_gate)
        {
            _steps.Add(new Step(StepKind.FlushReturned, 0, [], called));
        }
    }

    /// <summary>Not recorded: discarded contents are of no interest.</summary>
    public void Discard(long offsetBytes, long lengthBytes)
    {
    }

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes) => Write(offsetBytes, new byte[lengthBytes]);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private int DurableSteps(int steps)
    {
        int durable = 0;
        for (int i = 0; i < steps; i++)
        {
            if (_steps[i].Kind == StepKind.FlushReturned)
            {
                durable = Math.Max(durable, _steps[i].FlushCalledAt);
            }
        }
        return durable;
    }

    private void Tear(Step step, byte[] image, Random random)
    {
        bool isTorn = random.Next(3) == 0 && !IsAtomic(step.Offset, step.Data.Length);
        for (int at = 0; at < step.Data.Length; at += SectorBytes)
        {
            if (!isTorn || random.Next(2) == 0)
            {
                int length = Math.Min(SectorBytes, step.Data.Length - at);
                step.Data.AsSpan(at, length).CopyTo(image.AsSpan((int)step.Offset + at));
            }
        }
    }

    /// <summary>One entry of the log.</summary>
    private readonly record struct Step(StepKind Kind, long Offset, byte[] Data, int FlushCalledAt);
}
