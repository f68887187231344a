using System.Text.Json;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>Everything as JSON: every sample, so that others may compute their own statistics.</summary>
internal static class JsonReport
{
    /// <summary>Writes the file.</summary>
    public static void Write(Report report, string path)
    {
        using FileStream file = File.Create(path);
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        WriteMap(json, "environment", report.Environment);
        WriteMap(json, "systems", report.Systems);
        json.WriteStartObject("settings");
        foreach ((string system, Measuring.BackingDeviceSettings settings) in report.Settings)
        {
            json.WriteStartObject(system);
            json.WriteNumber("readAheadKib", settings.ReadAheadKib);
            json.WriteNumber("maxRatioPercent", settings.MaximumDirtyPercent);
            json.WriteBoolean("strictLimit", settings.IsStrict);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartArray("phases");
        foreach (Phase phase in report.Phases)
        {
            WritePhase(json, report, phase);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        json.WriteStartObject(name);
        foreach ((string key, string value) in pairs)
        {
            json.WriteString(key, value);
        }
        json.WriteEndObject();
    }

    private static void WritePhase(Utf8JsonWriter json, Report report, Phase phase)
    {
        json.WriteStartObject();
        json.WriteString("name", phase.Name);
        json.WriteString("title", phase.Title);
        json.WriteString("unit", phase.Figure switch
        {
            Figure.Rate => "operations/s",
            Figure.Throughput => "MB/s",
            _ => "s",
        });
        json.WriteStartArray("results");
        foreach ((string system, _) in report.Systems)
        {
            if (report.CellOf(phase, system) is Cell cell)
            {
                WriteCell(json, report, phase, system, cell);
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter json, Report report, Phase phase, string system, Cell cell)
    {
        json.WriteStartObject();
        json.WriteString("system", system);
        if (cell.Failure is not null)
        {
            json.WriteString("failure", cell.Failure);
        }
        else
        {
            json.WriteNumber("median", cell.Median);
            json.WriteNumber("least", cell.Least);
            json.WriteNumber("most", cell.Most);
        }
        json.WriteStartArray("samples");
        foreach (Sample sample in report.Samples.Where(s => s.Phase == phase.Name && s.System == system))
        {
            WriteSample(json, phase, sample);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSample(Utf8JsonWriter json, Phase phase, Sample sample)
    {
        json.WriteStartObject();
        json.WriteNumber("round", sample.Round + 1);
        if (sample.Failure is not null)
        {
            json.WriteString("failure", sample.Failure);
        }
        else
        {
            json.WriteNumber("value", FigureText.Value(phase, sample));
            json.WriteNumber("operations", sample.Load.Operations);
            json.WriteNumber("bytes", sample.Load.Bytes);
            json.WriteNumber("seconds", sample.Load.Seconds);
            json.WriteNumber("loadCpuSeconds", sample.Load.LoadCpuSeconds);
        }
        if (sample.ServerCpuSeconds is double cpu)
        {
            json.WriteNumber("serverCpuSeconds", cpu);
        }
        if (sample.ServerResidentBytes is long bytes)
        {
            json.WriteNumber("serverResidentBytes", bytes);
        }
        json.WriteEndObject();
    }
}
