using System.Numerics;
using System.Reflection;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Tells whether a mutant made the engine do something new. Works on an engine that was instrumented (see
/// scripts/fuzz); the ordinary build has no counters.</summary>
internal sealed class CoverageFeedback
{
    private readonly byte[] _counters;
    private readonly byte[] _seen;

    private CoverageFeedback(byte[] counters)
    {
        _counters = counters;
        _seen = new byte[counters.Length];
    }

    /// <summary>Blocks of code that were entered at least once.</summary>
    public int BlocksSeen => _seen.Count(buckets => buckets != 0);

    /// <summary>Blocks of code there are.</summary>
    public int Blocks => _seen.Length;

    /// <summary>Null on an engine without counters.</summary>
    public static CoverageFeedback? TryCreate()
    {
        FieldInfo? field = typeof(Ext4.Volume).Assembly.GetType("Fuse4fs.Coverage")?.GetField("Map");
        return field?.GetValue(null) is byte[] counters ? new CoverageFeedback(counters) : null;
    }

    /// <summary>Before a mutant runs.</summary>
    public void Reset() => Array.Clear(_counters);

    /// <summary>After it ran: whether a block was entered for the first time, or about twice as often as
    /// ever.</summary>
    public bool TakeNews()
    {
        bool isNew = false;
        for (int i = 0; i < _counters.Length; i++)
        {
            if (_counters[i] != 0)
            {
                byte bucket = (byte)(1 << BitOperations.Log2(_counters[i]));
                isNew |= (_seen[i] & bucket) == 0;
                _seen[i] |= bucket;
            }
        }
        return isNew;
    }
}
