using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog.Events;

namespace Fuse4fs.Samples;

/// <summary>The command line of a sample.</summary>
internal sealed record SampleSettings
{
    public required string MountPoint { get; init; }

    public required MountOptions Mount { get; init; }

    public NullOptions Null { get; init; } = new();

    /// <summary>Where the data of files goes.</summary>
    public string Device { get; init; } = "";

    public int Workers { get; init; }

    public int ReadAheadKilobytes { get; init; }

    public LogEventLevel LogLevel { get; init; } = LogEventLevel.Warning;

    /// <summary>Capabilities not to ask for.</summary>
    public InitFlags Without { get; init; }

    /// <summary>Capabilities to ask for besides.</summary>
    public InitFlags Also { get; init; }

    public static SampleSettings Parse(ReadOnlySpan<string> words, string subtype)
    {
        var settings = new SampleSettings
        {
            MountPoint = words[0],
            Mount = new MountOptions { Source = subtype, Subtype = subtype, DefaultPermissions = true },
        };
        for (int i = 1; i < words.Length; i++)
        {
            settings = words[i] switch
            {
                "--no-writeback" => settings with { Without = settings.Without | InitFlags.WriteBackCache },
                "--uring" => settings with { Also = InitFlags.OverIoUring },
                "--verbose" => settings with { LogLevel = LogEventLevel.Verbose },
                _ when i + 1 < words.Length => settings.With(words[i], words[++i]),
                _ => throw new ArgumentException($"unknown option or no value: {words[i]}"),
            };
        }
        bool isReadOnly = settings.Mount.Flags.HasFlag(MountFlags.ReadOnly);
        return settings with
        {
            Null = settings.Null with { IsReadOnly = isReadOnly },
            // With a write-back cache every close makes the kernel ask for the attributes again.
            Without = settings.Without | (isReadOnly ? InitFlags.WriteBackCache : InitFlags.None),
        };
    }

    private SampleSettings With(string option, string value) => option switch
    {
        "-o" => this with { Mount = Apply(Mount, value) },
        "--workers" => this with { Workers = Number(value) },
        "--read-ahead" => this with { ReadAheadKilobytes = Number(value) },
        "--device" => this with { Device = value },
        "--dirs" => this with { Null = Null with { Directories = Number(value) } },
        "--files" => this with { Null = Null with { FilesPerDirectory = Number(value) } },
        "--size" => this with { Null = Null with { FileBytes = ulong.Parse(value, CultureInfo.InvariantCulture) } },
        "--backing" => this with { Null = Null with { BackingFile = value } },
        "--data" when Enum.TryParse(value, ignoreCase: true, out NullData data)
            => this with { Null = Null with { Data = data } },
        _ => throw new ArgumentException($"unknown option or wrong value: {option} {value}"),
    };

    private static MountOptions Apply(MountOptions options, string list)
    {
        foreach (string word in list.Split(','))
        {
            if (!options.TryApply(word, out options))
            {
                throw new ArgumentException($"unknown mount option: {word}");
            }
        }
        return options;
    }

    private static int Number(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new ArgumentException($"not a number: {text}");
}
