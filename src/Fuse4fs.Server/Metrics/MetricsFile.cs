using System.Text;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Metrics;

/// <summary>metrics=: a file that always holds a whole set of figures. Written at the start, at intervals and at the end.
/// </summary>
internal sealed class MetricsFile : IDisposable
{
    private readonly ServedVolume _server;
    private readonly string _path;
    private readonly ServerMeter _meter;
    private readonly PrometheusText _text;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private bool _hasFailed;

    private MetricsFile(ServedVolume server, string path)
    {
        _server = server;
        _path = path;
        _meter = new ServerMeter(server);
        _text = new PrometheusText(_meter.Meter, server.MountPoint);
        _thread = new Thread(Run) { IsBackground = true, Name = "fuse4fs-metrics" };
    }

    /// <summary>Begins; nothing when the mount has no such file.</summary>
    public static MetricsFile? Start(ServedVolume server)
    {
        if (server.Options.MetricsFile is not string path)
        {
            return null;
        }
        var file = new MetricsFile(server, path);
        file.Write();
        file._thread.Start();
        return file;
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        Write();
        _text.Dispose();
        _meter.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.Wait(TimeSpan.FromSeconds(_server.Options.MetricsSeconds)))
        {
            Write();
        }
    }

    private void Write()
    {
        try
        {
            _meter.Renew();
            byte[] text = Encoding.UTF8.GetBytes(_text.Collect());
            Report(Put(text) ? null : "see its directory");
        }
        catch (Exception failure)
        {
            // Figures are not worth a mount.
            Report(failure.Message);
        }
    }

    private bool Put(byte[] text)
    {
        lock (_server.FileGate)
        {
            if (_server.MetricsWriter is null)
            {
                Replace(text);
                return true;
            }
        }
        return _server.MetricsWriter.WriteMetrics(text);
    }

    private void Replace(byte[] text)
    {
        string fresh = _path + ".new";
        // Made anew each time: in a directory that others write to, the name could be a link to anything.
        File.Delete(fresh);
        using (var file = new FileStream(fresh, FileMode.CreateNew, FileAccess.Write))
        {
            file.Write(text);
        }
        File.Move(fresh, _path, overwrite: true);
    }

    /// <summary>Once, not every time.</summary>
    private void Report(string? problem)
    {
        if (problem is not null && !_hasFailed)
        {
            ServerLog.NoMetrics(_server.Log, _path, problem);
        }
        _hasFailed = problem is not null;
    }
}
