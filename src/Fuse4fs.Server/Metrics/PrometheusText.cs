using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Fuse4fs.Server.Metrics;

/// <summary>Collects a meter's instruments as Prometheus text. Format: prometheus.io, "Exposition formats", version
/// 0.0.4.</summary>
internal sealed class PrometheusText : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly string _labels;
    private StringBuilder _text = new();
    private string _last = "";

    /// <param name="meter">Whose instruments.</param>
    /// <param name="mountPoint">Stands at every figure.</param>
    public PrometheusText(Meter meter, string mountPoint)
    {
        _labels = $"mount=\"{Escape(mountPoint)}\"";
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            Add(instrument, value.ToString(CultureInfo.InvariantCulture), tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) =>
            Add(instrument, value.ToString(CultureInfo.InvariantCulture), tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            Add(instrument, value.ToString("R", CultureInfo.InvariantCulture), tags));
        _listener.Start();
    }

    /// <summary>All figures now.</summary>
    public string Collect()
    {
        _text = new StringBuilder();
        _last = "";
        _listener.RecordObservableInstruments();
        return _text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        bool isCounter = instrument is ObservableCounter<long> or ObservableCounter<double>;
        bool isPart = instrument.Name.EndsWith("_sum", StringComparison.Ordinal)
            || instrument.Name.EndsWith("_bucket", StringComparison.Ordinal);
        string name = isCounter && !isPart ? instrument.Name + "_total" : instrument.Name;
        if (_last != name)
        {
            _last = name;
            _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {instrument.Description}\n");
            _text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {(isCounter ? "counter" : "gauge")}\n");
        }
        _text.Append(CultureInfo.InvariantCulture, $"{name}{{{_labels}");
        foreach ((string key, object? tag) in tags)
        {
            _text.Append(CultureInfo.InvariantCulture, $",{key}=\"{Escape(Convert.ToString(tag, CultureInfo.InvariantCulture) ?? "")}\"");
        }
        _text.Append(CultureInfo.InvariantCulture, $"}} {value}\n");
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
