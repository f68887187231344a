using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs stat IMAGE PATH: everything an inode says of itself.</summary>
internal static class StatCommand
{
    public static Command Create()
    {
        var command = new Command("stat", "Shows an inode with its times, flags and extended attributes.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: false);
        var asJson = new Option<bool>("--json") { Description = "as a JSON object" };
        command.Options.Add(asJson);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes attributes = path.Resolve(parsed, opened.Volume, followLast: false);
            List<KeyValuePair<byte[], byte[]>> xattrs = XattrsOf(opened, in attributes, path.Bytes(parsed));
            using Stream output = RawOutput.OpenStandard();
            if (parsed.GetValue(asJson))
            {
                WriteJson(output, path.Bytes(parsed), in attributes, xattrs);
            }
            else
            {
                WriteText(output, path.Bytes(parsed), in attributes, xattrs);
            }
        }));
        return command;
    }

    /// <summary>Damaged ones are told and left out: the inode is still worth showing.</summary>
    private static List<KeyValuePair<byte[], byte[]>> XattrsOf(
        OpenedImage image, in InodeAttributes attributes, ReadOnlySpan<byte> path)
    {
        try
        {
            return XattrList.Read(image.Volume, in attributes);
        }
        catch (Exception failure) when (Problems.IsOfImage(failure) || failure is InspectionException)
        {
            image.Problems.Report(path.TrimStart((byte)'/'), failure);
            return [];
        }
    }

    private static void WriteJson(
        Stream output, byte[] path, in InodeAttributes attributes, List<KeyValuePair<byte[], byte[]>> xattrs)
    {
        using (Utf8JsonWriter json = JsonText.Writer(output, isLine: false))
        {
            json.WriteStartObject();
            JsonText.WriteBytes(json, "path", path);
            JsonText.WriteAttributes(json, in attributes);
            json.WriteStartArray("xattrs");
            foreach ((byte[] name, byte[] value) in xattrs)
            {
                json.WriteStartObject();
                JsonText.WriteBytes(json, "name", name);
                json.WriteBase64String("value", value);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private static void WriteText(
        Stream output, byte[] path, in InodeAttributes attributes, List<KeyValuePair<byte[], byte[]>> xattrs)
    {
        using var text = new StreamWriter(output, leaveOpen: true);
        void Line(string name, FormattableString value) =>
            text.WriteLine($"{name + ":",-12}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("path", $"{EscapedName.Of(path)}");
        Line("inode", $"{attributes.Number.Value}, generation {attributes.Generation}");
        Line("type", $"{ModeText.KindName(attributes.Kind)}");
        Line("mode", $"{ModeText.Of(attributes.Mode)}");
        Line("links", $"{attributes.LinkCount}");
        Line("owner", $"{attributes.UserId}:{attributes.GroupId}, project {attributes.ProjectId}");
        Line("size", $"{attributes.SizeBytes} bytes, {attributes.Sectors} sectors of 512 bytes");
        Line("flags", $"0x{(uint)attributes.Flags:x} ({attributes.Flags})");
        if (attributes.Kind is FileKind.CharacterDevice or FileKind.BlockDevice)
        {
            Line("device", $"{attributes.Device.Major}, {attributes.Device.Minor}");
        }
        Line("accessed", $"{TimeText.Of(attributes.AccessTime)}");
        Line("modified", $"{TimeText.Of(attributes.ModificationTime)}");
        Line("changed", $"{TimeText.Of(attributes.ChangeTime)}");
        Line("born", $"{(attributes.HasBirthTime ? TimeText.Of(attributes.BirthTime) : "unknown")}");
        foreach ((byte[] name, byte[] value) in xattrs)
        {
            Line("xattr", $"{EscapedName.Of(name)} = \"{EscapedName.Of(value)}\"");
        }
    }
}
