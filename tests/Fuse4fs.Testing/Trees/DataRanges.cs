using System.Text;

namespace Fuse4fs.Testing.Trees;

/// <summary>The data ranges of a file as SEEK_DATA and SEEK_HOLE tell them.</summary>
public static class DataRanges
{
    private const int NoSuchDevice = -6;
    private const int MostRanges = 1 << 16;

    /// <summary>"start-end" of every data range, blanks between.</summary>
    /// <param name="seekData">SEEK_DATA: an offset or -errno.</param>
    /// <param name="seekHole">SEEK_HOLE likewise.</param>
    /// <param name="sizeBytes">The file's size.</param>
    public static string Describe(Func<long, long> seekData, Func<long, long> seekHole, long sizeBytes)
    {
        ArgumentNullException.ThrowIfNull(seekData);
        ArgumentNullException.ThrowIfNull(seekHole);
        var text = new StringBuilder();
        long offset = 0;
        for (int count = 0; offset < sizeBytes && count < MostRanges; count++)
        {
            long start = seekData(offset);
            if (start == NoSuchDevice)
            {
                break;
            }
            long end = start < 0 ? start : seekHole(start);
            text.Append(text.Length == 0 ? "" : " ").Append(start).Append('-').Append(end);
            if (end <= start)
            {
                break; // an error, or an answer that makes no progress: recorded as it is
            }
            offset = end;
        }
        return text.ToString();
    }

    /// <summary>The ranges of a description, errors left out.</summary>
    public static IEnumerable<(long Start, long End)> Parse(string description)
    {
        ArgumentNullException.ThrowIfNull(description);
        foreach (string range in description.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length == 2 && long.TryParse(ends[0], out long start) && long.TryParse(ends[1], out long end))
            {
                yield return (start, end);
            }
        }
    }
}
