using System.CommandLine;
using Fuse4fs.Ext4;
using Fuse4fs.Inspecting.Archives;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs export IMAGE [PATH] --tar FILE: a tree as a tar archive.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var command = new Command("export", "Writes a tree as a tar archive with everything ext4 keeps of it.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: true);
        var tar = new Option<string>("--tar")
        {
            Description = "the archive to write; - for standard output",
            HelpName = "FILE",
            Required = true,
        };
        command.Options.Add(tar);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes start = path.Resolve(parsed, opened.Volume, followLast: true);
            string file = parsed.GetRequiredValue(tar);
            using Stream output = file == "-"
                ? RawOutput.OpenStandard()
                : RawOutput.Create(file, image.FilesOf(parsed));
            ReadOnlyMemory<byte> name = LastName(path.Bytes(parsed));
            ExportProgress.Run(UsedBytes(opened.Volume), progress =>
                new TarExport(opened.Volume, output, opened.Problems, progress).Write(in start, name.Span));
        }));
        return command;
    }

    private static long UsedBytes(Volume volume)
    {
        VolumeStatistics statistics = volume.Statistics();
        ulong used = statistics.Blocks - Math.Min(statistics.Blocks, statistics.FreeBlocks);
        return (long)Math.Min(used * (ulong)statistics.BlockSizeBytes, long.MaxValue);
    }

    private static byte[] LastName(byte[] path)
    {
        ReadOnlySpan<byte> trimmed = path.AsSpan().TrimEnd((byte)'/');
        return trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..].ToArray();
    }
}
