using Fuse4fs.Options;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs --stripe 64K A B ... MOUNTPOINT: the members after the first become mount options, so that a mount of
/// a set is in all else a mount of its first member.</summary>
internal static class StripeArguments
{
    private const string Name = "--stripe";

    private static readonly string[] s_withValue = ["-o", "--log-level", "--log-file", "--metrics"];

    /// <summary>Rewrites a command line with --stripe; others stay as they are.</summary>
    /// <exception cref="UsageException">There is no strip length, or fewer than two members.</exception>
    public static string[] Rewrite(string[] arguments)
    {
        int index = Array.FindIndex(arguments, argument => argument == Name || argument.StartsWith(Name + "=", StringComparison.Ordinal));
        if (index < 0)
        {
            return arguments;
        }
        bool isApart = arguments[index] == Name;
        string width = !isApart ? arguments[index][(Name.Length + 1)..]
            : index + 1 < arguments.Length ? arguments[index + 1]
            : throw new UsageException($"{Name} needs the length of a strip, such as 64K");
        var options = new List<string>();
        var places = new List<string>();
        for (int i = 0; i < arguments.Length; i++)
        {
            if (i == index)
            {
                i += isApart ? 1 : 0;
            }
            else if (arguments[i].Length > 1 && arguments[i][0] == '-')
            {
                options.Add(arguments[i]);
                if (s_withValue.Contains(arguments[i]) && i + 1 < arguments.Length)
                {
                    options.Add(arguments[++i]);
                }
            }
            else
            {
                places.Add(arguments[i]);
            }
        }
        if (places.Count < 3)
        {
            throw new UsageException($"{Name} needs two or more members and a mount point");
        }
        IEnumerable<string> words = places[1..^1].Select(member => $"stripe_member={member}").Prepend($"stripe_width={width}");
        return [.. options, "-o", OptionWords.Join(words), places[0], places[^1]];
    }
}
