using System.Diagnostics.Metrics;
using Fuse4fs.Fuse;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Server.Metrics;

/// <summary>What a server counts, as instruments of <see cref="System.Diagnostics.Metrics"/>. Everything is read from one
/// report, so the figures of a collection belong together.</summary>
internal sealed class ServerMeter : IDisposable
{
    private readonly Meter _meter = new("fuse4fs");
    private readonly ServedVolume _server;
    private ServerStatus _status;
    private OperationCount[] _counts = [];

    public ServerMeter(ServedVolume server)
    {
        _server = server;
        _status = StatusReport.Of(server);
        CreateRequests();
        CreateVolume();
    }

    /// <summary>The instruments' meter.</summary>
    public Meter Meter => _meter;

    /// <summary>Takes a new report.</summary>
    public void Renew()
    {
        _status = StatusReport.Of(_server);
        _counts = _server.Session?.Counts() ?? [];
    }

    public void Dispose() => _meter.Dispose();

    private void CreateRequests()
    {
        _meter.CreateObservableCounter("fuse4fs_requests", () => ByKind(static one => one.Requests), null,
            "Requests of the kernel taken up.");
        _meter.CreateObservableCounter("fuse4fs_request_errors", () => ByKind(static one => one.Errors), null,
            "Requests answered with an error; a name that does not exist counts.");
        _meter.CreateObservableCounter("fuse4fs_request_duration_seconds_sum",
            () => _status.Operations.Select(static one => new Measurement<double>(one.TotalMilliseconds / 1000, Kind(one.Kind))),
            "s", "Time from taking a request up to its answer.");
        _meter.CreateObservableCounter("fuse4fs_request_duration_seconds_bucket", Durations, "s",
            "Requests that took no longer than le.");
    }

    private void CreateVolume()
    {
        Gauge("fuse4fs_volume_bytes", "Size of the volume.", static status => (long)status.Space.Bytes);
        Gauge("fuse4fs_free_bytes", "Free space.", static status => (long)status.Space.FreeBytes);
        Gauge("fuse4fs_available_bytes", "Free space without the reserve.", static status => (long)status.Space.AvailableBytes);
        Gauge("fuse4fs_inodes", "Inodes of the volume.", static status => status.Space.Inodes);
        Gauge("fuse4fs_free_inodes", "Free inodes.", static status => status.Space.FreeInodes);
        Gauge("fuse4fs_journal_bytes", "Size of the journal.", static status => status.Journal?.LogBytes ?? 0);
        Gauge("fuse4fs_journal_used_bytes", "Journal that a replay would need.", static status => status.Journal?.UsedBytes ?? 0);
        Gauge("fuse4fs_dirty_bytes", "Metadata not yet in its place.", static status => status.Journal?.DirtyBytes ?? 0);
        Gauge("fuse4fs_cache_bytes", "Memory of the metadata cache.", static status => status.Cache.Bytes);
        Gauge("fuse4fs_recorded_errors", "Errors recorded in the superblock.", static status => status.RecordedErrors);
        Gauge("fuse4fs_writable", "1 while changes are taken.", static status => status.Mode == "read-write" ? 1 : 0);
        Counter("fuse4fs_commits", "Transactions made durable.", static status => (long)(status.Journal?.Commits ?? 0));
        Counter("fuse4fs_cache_requests", "Metadata blocks asked for, about.", static status => status.Cache.Requests);
        Counter("fuse4fs_cache_misses", "Of these, read from the device.", static status => status.Cache.Misses);
        Counter("fuse4fs_written_bytes", "Written to the image.", static status => status.WrittenBytes);
    }

    private void Gauge(string name, string description, Func<ServerStatus, long> read) =>
        _meter.CreateObservableGauge(name, () => read(_status), null, description);

    private void Counter(string name, string description, Func<ServerStatus, long> read) =>
        _meter.CreateObservableCounter(name, () => read(_status), null, description);

    private IEnumerable<Measurement<long>> ByKind(Func<OperationStatus, long> read) =>
        _status.Operations.Select(one => new Measurement<long>(read(one), Kind(one.Kind)));

    private List<Measurement<long>> Durations()
    {
        var all = new List<Measurement<long>>();
        for (int slot = 0; slot < _counts.Length; slot++)
        {
            if (_counts[slot].Requests > 0)
            {
                long sum = 0;
                KeyValuePair<string, object?> kind = Kind(OperationTable.NameOf(slot));
                for (int bucket = 0; bucket < OperationCount.Buckets; bucket++)
                {
                    sum += _counts[slot].Histogram[bucket];
                    bool isLast = bucket == OperationCount.Buckets - 1;
                    object bound = isLast ? "+Inf" : (1L << (bucket + 1)) / 1e6;
                    all.Add(new Measurement<long>(sum, kind, new("le", bound)));
                }
            }
        }
        return all;
    }

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);
}
