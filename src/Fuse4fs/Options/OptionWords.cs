using System.Text;

namespace Fuse4fs.Options;

/// <summary>An -o list: words separated by commas. A backslash takes the next character literally, as libfuse does,
/// so that a file name with a comma can be passed.</summary>
internal static class OptionWords
{
    public static IEnumerable<string> Split(string list)
    {
        var word = new StringBuilder();
        for (int i = 0; i < list.Length; i++)
        {
            if (list[i] == '\\' && i + 1 < list.Length)
            {
                word.Append(list[++i]);
            }
            else if (list[i] != ',')
            {
                word.Append(list[i]);
            }
            else if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        if (word.Length > 0)
        {
            yield return word.ToString();
        }
    }

    public static string Join(IEnumerable<string> words)
    {
        var list = new StringBuilder();
        foreach (string word in words)
        {
            if (list.Length > 0)
            {
                list.Append(',');
            }
            list.Append(word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal));
        }
        return list.ToString();
    }
}
