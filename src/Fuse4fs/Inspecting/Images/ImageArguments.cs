using System.CommandLine;
using System.Globalization;

namespace Fuse4fs.Inspecting.Images;

/// <summary>The image and how to open it: the same for every inspecting command, in the words that mounting
/// takes.</summary>
internal sealed class ImageArguments
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "the image file or block device" };

    private readonly Option<string[]> _words = new("-o")
    {
        Description = "as for mounting: offset=BYTES, sb=NUMBER (of 1 KiB), noload, journal_path=FILE",
        HelpName = "LIST",
    };

    /// <summary>Adds both to a command.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(_image);
        command.Options.Add(_words);
    }

    /// <summary>Opens the image for reading.</summary>
    /// <exception cref="InspectionException">A word is unknown, or the image cannot be read.</exception>
    public OpenedImage Open(ParseResult parsed) => OpenedImage.Open(OptionsOf(parsed));

    /// <summary>What is read: the image, and its journal where that is elsewhere.</summary>
    public IEnumerable<string> FilesOf(ParseResult parsed)
    {
        ImageOptions options = OptionsOf(parsed);
        return options.JournalPath is string journal ? [options.Path, journal] : [options.Path];
    }

    private ImageOptions OptionsOf(ParseResult parsed)
    {
        var options = new ImageOptions { Path = parsed.GetRequiredValue(_image) };
        foreach (string list in parsed.GetValue(_words) ?? [])
        {
            foreach (string word in list.Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                options = Take(options, word);
            }
        }
        return options;
    }

    private static ImageOptions Take(ImageOptions options, string word)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word : word[..equals];
        string value = equals < 0 ? "" : word[(equals + 1)..];
        return name switch
        {
            "offset" => options with { OffsetBytes = Number(word, value) },
            "sb" => options with { SuperblockNumber = (ulong)Number(word, value) },
            "noload" or "norecovery" => options with { LoadJournal = false },
            "journal_path" when value.Length > 0 => options with { JournalPath = value },
            "ro" => options,
            _ => throw new InspectionException($"'{word}' does not apply to reading an image without mounting it"),
        };
    }

    private static long Number(string word, string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InspectionException($"'{word}': a number is expected");
}
