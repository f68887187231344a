namespace Fuse4fs.KernelTwin.Tracing;

/// <summary>Every message in the order it was sent.</summary>
public sealed class Trace
{
    private const int MostEntries = 200_000;
    private readonly List<TraceEntry> _entries = [];
    private int _taken;

    /// <summary>Since the mount, or the newest of very many.</summary>
    public IReadOnlyList<TraceEntry> Entries => _entries;

    /// <summary>The messages since the last call, one line each.</summary>
    public string[] Take()
    {
        string[] lines = [.. _entries.Skip(_taken).Select(entry => entry.ToString())];
        _taken = _entries.Count;
        return lines;
    }

    internal TraceEntry Add(string mark, string request)
    {
        if (_entries.Count >= MostEntries)
        {
            _entries.RemoveRange(0, MostEntries / 2);
            _taken = Math.Max(0, _taken - (MostEntries / 2));
        }
        var entry = new TraceEntry(mark, request);
        _entries.Add(entry);
        return entry;
    }
}
