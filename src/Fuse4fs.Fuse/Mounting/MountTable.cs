using System.Globalization;
using System.Text;

namespace Fuse4fs.Fuse.Mounting;

/// <summary>The mounts this process sees. Reading it touches none of them, unlike a stat of a mount point.</summary>
public static class MountTable
{
    private const string Path = "/proc/self/mountinfo";

    /// <summary>All mounts, in the order in which they were made.</summary>
    public static IReadOnlyList<MountEntry> Read()
    {
        var entries = new List<MountEntry>();
        foreach (string line in File.ReadLines(Path))
        {
            if (Parse(line) is MountEntry entry)
            {
                entries.Add(entry);
            }
        }
        return entries;
    }

    /// <summary>The mount that covers others at this place.</summary>
    /// <param name="mountPoint">Absolute, without symbolic links.</param>
    public static MountEntry? Find(string mountPoint)
        => Read().LastOrDefault(entry => entry.MountPoint == mountPoint);

    /// <summary>Fields: id parent major:minor root mountpoint options optional... - type source super-options.</summary>
    internal static MountEntry? Parse(string line)
    {
        string[] fields = line.Split(' ');
        int dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        if (dash < 0 || fields.Length < dash + 4
            || !int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id))
        {
            return null;
        }
        return new MountEntry(
            id,
            fields[2],
            Unescape(fields[4]),
            Unescape(fields[dash + 1]),
            Unescape(fields[dash + 2]),
            fields[5] + "," + fields[dash + 3]);
    }

    /// <summary>Space, tab, newline, backslash and # are written as a backslash and three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }
        var plain = new StringBuilder(field.Length);
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && field.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)(((field[i + 1] - '0') << 6) | ((field[i + 2] - '0') << 3) | (field[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(field[i]);
            }
        }
        return plain.ToString();
    }
}
