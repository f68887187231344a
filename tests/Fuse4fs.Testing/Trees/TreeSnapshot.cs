namespace Fuse4fs.Testing.Trees;

/// <summary>A whole tree in canonical form: by escaped path, one record per file; the file system's own figures too.
/// </summary>
public sealed class TreeSnapshot
{
    /// <summary>The pseudo path under which statfs is recorded.</summary>
    public const string FileSystem = "<statfs>";

    private const int MostDifferences = 40;

    private readonly SortedDictionary<string, NodeRecord> _nodes = new(StringComparer.Ordinal);

    /// <summary>The records by path; the root is "/".</summary>
    public IReadOnlyDictionary<string, NodeRecord> Nodes => _nodes;

    /// <summary>The record of a path, made when there is none.</summary>
    public NodeRecord At(string path)
    {
        if (!_nodes.TryGetValue(path, out NodeRecord? record))
        {
            record = new NodeRecord();
            _nodes.Add(path, record);
        }
        return record;
    }

    /// <summary>Drops a path.</summary>
    public void Remove(string path) => _nodes.Remove(path);

    /// <summary>Both are the same but for the fields named.</summary>
    /// <exception cref="OracleException">They differ; the message has the differences.</exception>
    public static void AssertSame(TreeSnapshot expected, TreeSnapshot actual, params string[] ignored)
    {
        IReadOnlyList<string> differences = Differences(expected, actual, ignored);
        if (differences.Count > 0)
        {
            throw new OracleException("the trees differ:\n" + string.Join('\n', differences));
        }
    }

    /// <summary>What differs, one line each: "path: field: expected, got". Fields named in <paramref name="ignored"/>
    /// are not compared.</summary>
    public static IReadOnlyList<string> Differences(TreeSnapshot expected, TreeSnapshot actual, params string[] ignored)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(actual);
        var differences = new List<string>();
        foreach (string path in expected._nodes.Keys.Union(actual._nodes.Keys))
        {
            if (!expected._nodes.TryGetValue(path, out NodeRecord? wanted))
            {
                differences.Add($"{path}: not expected");
            }
            else if (!actual._nodes.TryGetValue(path, out NodeRecord? found))
            {
                differences.Add($"{path}: missing");
            }
            else
            {
                Compare(path, wanted, found, ignored, differences);
            }
            if (differences.Count > MostDifferences)
            {
                differences.Add("...");
                break;
            }
        }
        return differences;
    }

    private static void Compare(
        string path, NodeRecord wanted, NodeRecord found, string[] ignored, List<string> differences)
    {
        foreach (string field in wanted.Fields.Keys.Union(found.Fields.Keys).Except(ignored))
        {
            if (wanted[field] != found[field])
            {
                differences.Add($"{path}: {field}: expected {Shorten(wanted[field])}, got {Shorten(found[field])}");
            }
        }
    }

    private static string Shorten(string value) => value.Length switch
    {
        0 => "(nothing)",
        > 300 => value[..300] + "...",
        _ => value,
    };
}
