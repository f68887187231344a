using Fuse4fs.Options;

namespace Fuse4fs;

/// <summary>SOURCE DIRECTORY [-fnsv] [-N namespace] [-o options] [-t type], as mount(8) documents for helpers.</summary>
internal sealed class HelperArguments
{
    private HelperArguments()
    {
    }

    /// <summary>The words of all -o lists.</summary>
    public List<string> Words { get; } = [];

    public required string Source { get; init; }

    public required string MountPoint { get; init; }

    /// <summary>-t; null when it is not given.</summary>
    public string? Type { get; private set; }

    /// <summary>-f: check the arguments, do not mount.</summary>
    public bool Pretends { get; private set; }

    /// <summary>-s: options nobody knows are left out.</summary>
    public bool IsSloppy { get; private set; }

    /// <exception cref="UsageException">An option is unknown, or there are not two operands.</exception>
    public static HelperArguments Parse(IReadOnlyList<string> arguments)
    {
        var operands = new List<string>();
        var options = new List<(char Letter, string Value)>();
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (argument.Length < 2 || argument[0] != '-')
            {
                operands.Add(argument);
                continue;
            }
            foreach (char letter in argument.AsSpan(1))
            {
                if (letter is 'o' or 't' or 'N')
                {
                    options.Add((letter, ++i < arguments.Count
                        ? arguments[i]
                        : throw new UsageException($"-{letter} needs a value")));
                    break;
                }
                options.Add(letter is 'f' or 's' or 'n' or 'v'
                    ? (letter, "")
                    : throw new UsageException($"unknown option -{letter}"));
            }
        }
        if (operands.Count != 2)
        {
            throw new UsageException("an image and a mount point are expected");
        }
        var parsed = new HelperArguments { Source = operands[0], MountPoint = operands[1] };
        foreach ((char letter, string value) in options)
        {
            parsed.Take(letter, value);
        }
        return parsed;
    }

    private void Take(char letter, string value)
    {
        switch (letter)
        {
            case 'o': Words.AddRange(OptionWords.Split(value)); break;
            case 't': Type = value; break;
            case 'f': Pretends = true; break;
            case 's': IsSloppy = true; break;
        }
    }
}
