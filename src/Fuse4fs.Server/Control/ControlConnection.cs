using System.Text.Json;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Control;

/// <summary>One client of a <see cref="ControlServer"/>: reads a line, answers with a line. What a client sends is
/// trusted no more than what comes from an image.</summary>
internal sealed class ControlConnection
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(10);

    private readonly ServedVolume _server;
    private readonly FileDescriptor _socket;
    private readonly Action<ControlConnection> _ended;
    private readonly Thread _thread;
    private readonly byte[] _line = new byte[ControlRequest.LongestLineBytes];
    private int _length;

    public ControlConnection(ServedVolume server, FileDescriptor socket, Action<ControlConnection> ended)
    {
        _server = server;
        _socket = socket;
        _ended = ended;
        _thread = new Thread(Run, maxStackSize: 512 << 10) { IsBackground = true, Name = "fuse4fs-client" };
        LibC.SetTimeouts(socket, s_silence, s_silence);
    }

    public void Start() => _thread.Start();

    /// <summary>Ends the talk. Any thread may call it.</summary>
    public void Stop()
    {
        try
        {
            LibC.ShutDown(_socket);
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself.
        }
    }

    public void Join() => _thread.Join();

    private void Run()
    {
        try
        {
            while (ReadLine(out int end) && Answer(_line.AsSpan(0, end)))
            {
                _line.AsSpan(end + 1, _length - end - 1).CopyTo(_line);
                _length -= end + 1;
            }
        }
        catch (Exception failure)
        {
            // A bug of ours must not end the mount.
            ServerLog.BackgroundFailed(_server.Log, failure);
        }
        finally
        {
            _ended(this);
            _socket.Dispose();
        }
    }

    /// <returns>False at the end, after a long silence, or when a line is too long.</returns>
    private bool ReadLine(out int end)
    {
        while ((end = _line.AsSpan(0, _length).IndexOf((byte)'\n')) < 0)
        {
            if (_length == _line.Length
                || LibC.TryReceive(_socket, _line.AsSpan(_length), out int count) != Errno.Ok || count == 0)
            {
                return false;
            }
            _length += count;
        }
        return true;
    }

    private bool Answer(ReadOnlySpan<byte> line)
    {
        ControlRequest? request = null;
        try
        {
            request = JsonSerializer.Deserialize(line, ControlJson.Default.ControlRequest);
        }
        catch (JsonException)
        {
            // Answered as any request that makes no sense.
        }
        ControlReply reply = request is null
            ? new ControlReply { Error = Errno.Invalid, Message = "not a request" }
            : request.Version != ControlRequest.CurrentVersion
                ? new ControlReply { Error = Errno.Protocol, Message = "the server speaks version 1" }
                : Execute(request);
        byte[] answer = [.. JsonSerializer.SerializeToUtf8Bytes(reply, ControlJson.Default.ControlReply), (byte)'\n'];
        return LibC.TrySend(_socket, answer) == Errno.Ok && request is not null;
    }

    private ControlReply Execute(ControlRequest request) => request.Verb switch
    {
        ControlVerb.Status => new ControlReply { Status = StatusReport.Of(_server) },
        ControlVerb.ShutDown when request.Mode is < ShutdownMode.Default or > ShutdownMode.NoLogFlush =>
            Result(Errno.Invalid, "not a mode"),
        ControlVerb.ShutDown => Result(_server.ShutDown(request.Mode), "the volume could not be made durable"),
        _ => new ControlReply { Error = Errno.NotImplemented, Message = "not known" },
    };

    private static ControlReply Result(Errno error, string message) =>
        new() { Error = error, Message = error == Errno.Ok ? null : message };
}
