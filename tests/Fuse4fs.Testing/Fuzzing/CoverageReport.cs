using System.Globalization;

namespace Fuse4fs.Testing.Fuzzing;

/// <summary>Which code a campaign has entered, by namespace and type: a number alone does not tell what was missed.
/// </summary>
internal sealed class CoverageReport
{
    private readonly SortedDictionary<string, (int Seen, int All)> _types = new(StringComparer.Ordinal);
    private readonly List<string> _unseen = [];

    /// <summary>Takes the counters of one assembly.</summary>
    /// <param name="methods">A line for each method: its number of blocks, a tab, its type, a tab, its name.</param>
    /// <param name="seen">Not 0 for a block that was entered, in the order of the methods.</param>
    public void Add(IEnumerable<string> methods, ReadOnlySpan<byte> seen)
    {
        foreach (string line in methods)
        {
            string[] fields = line.Split('\t');
            int all = int.Parse(fields[0], CultureInfo.InvariantCulture);
            int entered = all - seen[..all].Count((byte)0);
            seen = seen[all..];
            (int Seen, int All) before = _types.GetValueOrDefault(fields[1]);
            _types[fields[1]] = (before.Seen + entered, before.All + all);
            if (entered == 0 && all > 0)
            {
                _unseen.Add($"{all,5}  {fields[1]}.{fields[2]}");
            }
        }
    }

    /// <summary>First the namespaces, then the types, then methods never entered, the largest first.</summary>
    public IEnumerable<string> Lines()
    {
        var spaces = _types.GroupBy(pair => pair.Key[..Math.Max(0, pair.Key.LastIndexOf('.'))], StringComparer.Ordinal);
        foreach (var space in spaces)
        {
            yield return Line(space.Key, space.Sum(pair => pair.Value.Seen), space.Sum(pair => pair.Value.All));
        }
        yield return "";
        foreach ((string type, (int seen, int all)) in _types)
        {
            yield return Line(type, seen, all);
        }
        yield return "";
        foreach (string method in _unseen.OrderDescending(StringComparer.Ordinal))
        {
            yield return method;
        }
    }

    private static string Line(string name, int seen, int all) => $"{seen,5} of {all,5}  {name}";
}
