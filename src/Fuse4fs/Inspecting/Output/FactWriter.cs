using System.Globalization;
using System.Text.Json;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Writes a report for people or as JSON: the same facts in both.</summary>
internal static class FactWriter
{
    private const int TitleWidth = 28;

    /// <summary>Writes all sections.</summary>
    public static void Write(Stream output, IEnumerable<FactSection> sections, bool asJson)
    {
        if (asJson)
        {
            WriteJson(output, sections);
            output.WriteByte((byte)'\n');
        }
        else
        {
            WriteText(output, sections);
        }
    }

    private static void WriteText(Stream output, IEnumerable<FactSection> sections)
    {
        using var text = new StreamWriter(output, leaveOpen: true);
        foreach (FactSection section in sections)
        {
            text.WriteLine(section.Title);
            foreach (Fact fact in section.Facts)
            {
                if (fact.Value is not null)
                {
                    text.WriteLine($"  {(fact.Title + ":").PadRight(TitleWidth)} {fact.Text ?? TextOf(fact.Value)}");
                }
            }
        }
    }

    private static string TextOf(object value) => value switch
    {
        bool flag => flag ? "yes" : "no",
        IEnumerable<string> list => string.Join(' ', list),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static void WriteJson(Stream output, IEnumerable<FactSection> sections)
    {
        using Utf8JsonWriter json = JsonText.Writer(output, isLine: false);
        json.WriteStartObject();
        foreach (FactSection section in sections)
        {
            json.WriteStartObject(section.Name);
            foreach (Fact fact in section.Facts)
            {
                WriteValue(json, fact);
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, Fact fact)
    {
        switch (fact.Value)
        {
            case null:
                break;
            case bool flag:
                json.WriteBoolean(fact.Name, flag);
                break;
            case long number:
                json.WriteNumber(fact.Name, number);
                break;
            case ulong number:
                json.WriteNumber(fact.Name, number);
                break;
            case IEnumerable<string> list when fact.Value is not string:
                json.WriteStartArray(fact.Name);
                foreach (string word in list)
                {
                    json.WriteStringValue(word);
                }
                json.WriteEndArray();
                break;
            default:
                json.WriteString(fact.Name, fact.Value.ToString());
                break;
        }
    }
}
