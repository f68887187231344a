using System.Globalization;

namespace Fuse4fs.Testing.Trees;

/// <summary>All that can be asked about one file, as text by field, so that any two sources compare alike.</summary>
public sealed class NodeRecord
{
    private readonly SortedDictionary<string, string> _fields = new(StringComparer.Ordinal);

    /// <summary>The fields by name.</summary>
    public IReadOnlyDictionary<string, string> Fields => _fields;

    /// <summary>Reads or sets one field.</summary>
    public string this[string field]
    {
        get => _fields.TryGetValue(field, out string? value) ? value : "";
        set => _fields[field] = value;
    }

    /// <summary>Sets a number.</summary>
    public void Set(string field, long value) => _fields[field] = value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Takes over fields of another name of the same file that this one does not have yet.</summary>
    public void AddFrom(NodeRecord other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach ((string field, string value) in other._fields)
        {
            _fields.TryAdd(field, value);
        }
    }

    /// <summary>Drops a field this source cannot know.</summary>
    public void Remove(string field) => _fields.Remove(field);
}
