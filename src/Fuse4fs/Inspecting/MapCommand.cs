using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs map IMAGE PATH: where a file's data is.</summary>
internal static class MapCommand
{
    /// <summary>Blocks a file can have: their numbers are 32 bits wide, and the last one is not used.</summary>
    private const ulong MostBlocks = uint.MaxValue;

    public static Command Create()
    {
        var command = new Command("map", "Shows where a file's data is: file offset, device address, length, kind.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: false);
        var asJson = new Option<bool>("--json") { Description = "one JSON object per run" };
        command.Options.Add(asJson);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes attributes = path.Resolve(parsed, opened.Volume, followLast: true);
            // Refused before anything is written.
            Errno error = opened.Volume.FindRun(attributes.Number, 0, out _);
            if (error != Errno.Ok)
            {
                throw path.Failure(parsed, error == Errno.Invalid ? "has no data" : ErrnoText.Of(error));
            }
            using Stream output = RawOutput.OpenStandard();
            Write(opened, in attributes, output, parsed.GetValue(asJson));
        }));
        return command;
    }

    private static void Write(OpenedImage image, in InodeAttributes attributes, Stream output, bool asJson)
    {
        Volume volume = image.Volume;
        using var text = new StreamWriter(output, leaveOpen: true);
        if (!asJson)
        {
            text.WriteLine($"{"file offset",16} {"device address",16} {"length",16} kind");
        }
        int shift = volume.Context.Geometry.BlockSizeShift;
        ulong sizeBlocks = ((ulong)attributes.SizeBytes + (1ul << shift) - 1) >> shift;
        for (ulong block = 0; block < MostBlocks;)
        {
            Errno error = volume.FindRun(attributes.Number, (uint)block, out MapRun run);
            if (error != Errno.Ok)
            {
                throw new InspectionException(ErrnoText.Of(error));
            }
            bool isLastHole = run.Kind == RunKind.Hole && run.End >= MostBlocks;
            if (isLastHole && block >= sizeBlocks)
            {
                return;
            }
            if (isLastHole)
            {
                run = run with { LengthBlocks = sizeBlocks - block };
            }
            WriteRun(text, output, in run, in attributes, image, asJson);
            block = run.End;
            if (run.Kind == RunKind.Inline)
            {
                return;
            }
        }
    }

    /// <summary>Addresses are positions in the image as it was given: offset= is counted in.</summary>
    private static void WriteRun(
        StreamWriter text, Stream output, in MapRun run, in InodeAttributes attributes, OpenedImage image, bool asJson)
    {
        int shift = image.Volume.Context.Geometry.BlockSizeShift;
        ulong address = (run.Start.Value << shift) + (ulong)image.OffsetBytes;
        ulong offset = (ulong)run.First << shift;
        bool isInline = run.Kind == RunKind.Inline;
        ulong length = isInline ? (ulong)attributes.SizeBytes : run.LengthBlocks << shift;
        string kind = run.Kind switch
        {
            RunKind.Hole => "hole",
            RunKind.Written => "written",
            RunKind.Unwritten => "unwritten",
            _ => "inline",
        };
        if (!asJson)
        {
            string place = run.IsMapped ? address.ToString(CultureInfo.InvariantCulture) : "-";
            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{offset,16} {place,16} {length,16} {kind}"));
            return;
        }
        using (Utf8JsonWriter json = JsonText.Writer(output, isLine: true))
        {
            json.WriteStartObject();
            json.WriteNumber("offset", offset);
            if (run.IsMapped)
            {
                json.WriteNumber("address", address);
            }
            json.WriteNumber("length", length);
            json.WriteString("kind", kind);
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
