using System.Globalization;
using System.Text;
using System.Text.Json;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>Writes one name with its attributes: a line in the manner of ls -l, or a JSON object.</summary>
internal sealed class NameLine(Volume volume, Stream output, bool asJson)
{
    private readonly byte[] _target = new byte[Limits.MostTargetBytes];

    /// <summary>Writes the line.</summary>
    public void Write(ReadOnlySpan<byte> name, in InodeAttributes attributes)
    {
        ReadOnlySpan<byte> target = TargetOf(in attributes);
        if (asJson)
        {
            using Utf8JsonWriter json = JsonText.Writer(output, isLine: true);
            json.WriteStartObject();
            JsonText.WriteBytes(json, "name", name);
            JsonText.WriteAttributes(json, in attributes);
            if (attributes.Kind == FileKind.Symlink)
            {
                JsonText.WriteBytes(json, "target", target);
            }
            json.WriteEndObject();
            json.Flush();
        }
        else
        {
            string size = attributes.Kind is FileKind.CharacterDevice or FileKind.BlockDevice
                ? $"{attributes.Device.Major}, {attributes.Device.Minor}"
                : attributes.SizeBytes.ToString(CultureInfo.InvariantCulture);
            string arrow = attributes.Kind == FileKind.Symlink ? " -> " + EscapedName.Of(target) : "";
            string text = string.Create(CultureInfo.InvariantCulture,
                $"{ModeText.Of(attributes.Mode)} {attributes.LinkCount,3} {attributes.UserId,5} {attributes.GroupId,5} "
                + $"{size,12} {TimeText.Short(attributes.ModificationTime)} {EscapedName.Of(name)}{arrow}");
            output.Write(Encoding.UTF8.GetBytes(text));
        }
        output.WriteByte((byte)'\n');
    }

    private ReadOnlySpan<byte> TargetOf(in InodeAttributes attributes) =>
        attributes.Kind == FileKind.Symlink
        && volume.ReadLink(attributes.Number, _target, out int length) == Errno.Ok
            ? _target.AsSpan(0, length)
            : default;
}
