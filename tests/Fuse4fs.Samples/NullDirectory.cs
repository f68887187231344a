namespace Fuse4fs.Samples;

/// <summary>The names of a directory. A cookie is a place in the order of creation, so it stays good whatever is
/// created and removed meanwhile.</summary>
internal sealed class NullDirectory
{
    private readonly Dictionary<byte[], int> _places = new(NameComparer.Instance);
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly List<(byte[] Name, NullNode? Node)> _entries = [];

    public NullDirectory() => _lookup = _places.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => _places.Count;

    /// <summary>Places ever given out since the directory was last empty.</summary>
    public int Places => _entries.Count;

    public NullNode? Find(ReadOnlySpan<byte> name)
        => _lookup.TryGetValue(name, out int place) ? _entries[place].Node : null;

    public (byte[] Name, NullNode? Node) At(int place) => _entries[place];

    /// <summary>Adds a name, or gives the one that is there to another node.</summary>
    public void Set(ReadOnlySpan<byte> name, NullNode node)
    {
        if (_lookup.TryGetValue(name, out int place))
        {
            _entries[place] = (_entries[place].Name, node);
            return;
        }
        byte[] own = name.ToArray();
        _places.Add(own, _entries.Count);
        _entries.Add((own, node));
    }

    public void Remove(ReadOnlySpan<byte> name)
    {
        if (_lookup.Remove(name, out _, out int place))
        {
            _entries[place] = ([], null);
            if (_places.Count == 0)
            {
                _entries.Clear();
            }
        }
    }
}
