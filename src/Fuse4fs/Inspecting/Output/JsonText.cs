using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Output;

/// <summary>What several commands say in JSON.</summary>
internal static class JsonText
{
    /// <summary>A writer for a whole document, or for one line of many.</summary>
    public static Utf8JsonWriter Writer(Stream stream, bool isLine) =>
        new(stream, new JsonWriterOptions { Indented = !isLine, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Bytes of a name or path. Those that are no UTF-8 are shown escaped, and exactly in base64
    /// beside.</summary>
    public static void WriteBytes(Utf8JsonWriter json, string property, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteString(property, bytes);
        }
        else
        {
            json.WriteString(property, EscapedName.Of(bytes));
            json.WriteBase64String(property + "Base64", bytes);
        }
    }

    /// <summary>The properties of an inode, into an object that is open.</summary>
    public static void WriteAttributes(Utf8JsonWriter json, in InodeAttributes attributes)
    {
        json.WriteNumber("inode", attributes.Number.Value);
        json.WriteNumber("generation", attributes.Generation);
        json.WriteString("type", ModeText.KindName(attributes.Kind));
        json.WriteString("mode", Convert.ToString(attributes.Mode & 0xFFF, 8).PadLeft(4, '0'));
        json.WriteNumber("links", attributes.LinkCount);
        json.WriteNumber("uid", attributes.UserId);
        json.WriteNumber("gid", attributes.GroupId);
        json.WriteNumber("projectId", attributes.ProjectId);
        json.WriteNumber("size", attributes.SizeBytes);
        json.WriteNumber("sectors", attributes.Sectors);
        json.WriteNumber("flags", (uint)attributes.Flags);
        if (attributes.Kind is FileKind.CharacterDevice or FileKind.BlockDevice)
        {
            json.WriteNumber("major", attributes.Device.Major);
            json.WriteNumber("minor", attributes.Device.Minor);
        }
        json.WriteString("atime", TimeText.Of(attributes.AccessTime));
        json.WriteString("mtime", TimeText.Of(attributes.ModificationTime));
        json.WriteString("ctime", TimeText.Of(attributes.ChangeTime));
        if (attributes.HasBirthTime)
        {
            json.WriteString("btime", TimeText.Of(attributes.BirthTime));
        }
    }
}
