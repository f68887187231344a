using System.Numerics;
using System.Reflection;

namespace Fuse4fs.Testing.Fuzzing;

/// <summary>Tells whether a mutant made the code do something new. Works on assemblies that were instrumented (see
/// scripts/fuzz); ordinary builds have no counters.</summary>
public sealed class CoverageFeedback
{
    private readonly Assembly[] _assemblies;
    private readonly byte[][] _counters;
    private readonly byte[][] _seen;

    private CoverageFeedback(Assembly[] assemblies, byte[][] counters)
    {
        _assemblies = assemblies;
        _counters = counters;
        _seen = [.. counters.Select(part => new byte[part.Length])];
    }

    /// <summary>Blocks of code that were entered at least once.</summary>
    public int BlocksSeen => _seen.Sum(part => part.Count(buckets => buckets != 0));

    /// <summary>Blocks of code there are.</summary>
    public int Blocks => _seen.Sum(part => part.Length);

    /// <summary>Null when none of the assemblies has counters.</summary>
    public static CoverageFeedback? TryCreate(params Assembly[] assemblies)
    {
        Assembly[] counting = [.. assemblies.Where(assembly => MapOf(assembly) is not null)];
        return counting.Length == 0
            ? null
            : new CoverageFeedback(counting, [.. counting.Select(assembly => MapOf(assembly)!)]);
    }

    /// <summary>Where FUSE4FS_FUZZ_COVERAGE names a file: writes there which part of each folder's code was entered, and the
    /// methods that were not.</summary>
    public void Report()
    {
        if (Environment.GetEnvironmentVariable("FUSE4FS_FUZZ_COVERAGE") is not { Length: > 0 } path)
        {
            return;
        }
        var report = new CoverageReport();
        for (int part = 0; part < _assemblies.Length; part++)
        {
            report.Add(File.ReadLines(_assemblies[part].Location + ".blocks"), _seen[part]);
        }
        File.WriteAllLines(path, report.Lines());
    }

    /// <summary>Before a mutant runs.</summary>
    public void Reset()
    {
        foreach (byte[] part in _counters)
        {
            Array.Clear(part);
        }
    }

    /// <summary>After it ran: whether a block was entered for the first time, or about twice as often as
    /// ever.</summary>
    public bool TakeNews()
    {
        bool isNew = false;
        for (int part = 0; part < _counters.Length; part++)
        {
            byte[] counters = _counters[part];
            byte[] seen = _seen[part];
            for (int i = 0; i < counters.Length; i++)
            {
                if (counters[i] != 0)
                {
                    byte bucket = (byte)(1 << BitOperations.Log2(counters[i]));
                    isNew |= (seen[i] & bucket) == 0;
                    seen[i] |= bucket;
                }
            }
        }
        return isNew;
    }

    private static byte[]? MapOf(Assembly assembly) =>
        assembly.GetType("Fuse4fs.Coverage")?.GetField("Map")?.GetValue(null) as byte[];
}
