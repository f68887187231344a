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
    private bool _hasFrozen;

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
            _ = _server.Freezer.Thaw(this);
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
        FileDescriptor? passed = null;
        ControlReply reply = request is null
            ? new ControlReply { Error = Errno.Invalid, Message = "not a request" }
            : request.Version != ControlRequest.CurrentVersion
                ? new ControlReply { Error = Errno.Protocol, Message = "the server speaks version 1" }
                : Execute(request, out passed);
        byte[] answer = [.. JsonSerializer.SerializeToUtf8Bytes(reply, ControlJson.Default.ControlReply), (byte)'\n'];
        return LibC.TrySend(_socket, answer, passed) == Errno.Ok && request is not null;
    }

    private ControlReply Execute(ControlRequest request, out FileDescriptor? passed)
    {
        passed = null;
        switch (request.Verb)
        {
            case ControlVerb.Status:
                return new ControlReply { Status = StatusReport.Of(_server) };
            case ControlVerb.ShutDown when request.Mode is < ShutdownMode.Default or > ShutdownMode.NoLogFlush:
                return Result(Errno.Invalid, "not a mode");
            case ControlVerb.ShutDown:
                return Result(_server.ShutDown(request.Mode), "the volume could not be made durable");
            case ControlVerb.Freeze or ControlVerb.Renew
                when request.Seconds is < 1 or > ControlRequest.LongestFreezeSeconds:
                return Result(Errno.Invalid, "a freeze lasts at least a second and at most a day");
            case ControlVerb.Prepare:
                return Holding(_server.Freezer.Claim(this));
            case ControlVerb.Freeze:
                return Freeze(request, out passed);
            case ControlVerb.Renew:
                return Own(_server.Freezer.Renew(this, TimeSpan.FromSeconds(request.Seconds)));
            case ControlVerb.Keep:
                return Own(_server.Freezer.Keep(this));
            case ControlVerb.Thaw:
                return _hasFrozen ? Own(_server.Freezer.Thaw(this)) : Outcome(_server.Freezer.Thaw());
            default:
                return new ControlReply { Error = Errno.NotImplemented, Message = "not known" };
        }
    }

    private ControlReply Freeze(ControlRequest request, out FileDescriptor? passed)
    {
        passed = null;
        if (request.WantsImage && _server.Options.StripeMembers.Count > 0)
        {
            return Result(Errno.NotSupported, "the volume is spread over several images: freeze it and copy them");
        }
        ControlReply reply = Holding(_server.Freezer.Freeze(this, TimeSpan.FromSeconds(request.Seconds)));
        if (reply.Error != Errno.Ok)
        {
            return reply;
        }
        _hasFrozen = true;
        passed = request.WantsImage ? _server.Source.Image.Descriptor : null;
        return _server.Volume.IsReplayedInMemory
            ? reply with { Message = "the journal is replayed in memory only: the image itself needs recovery" }
            : reply;
    }

    /// <summary>Whoever holds something may keep silent: the freeze has a limit of its own.</summary>
    private ControlReply Holding(Errno error)
    {
        if (error == Errno.Ok)
        {
            LibC.SetTimeouts(_socket, TimeSpan.Zero, s_silence);
        }
        return Outcome(error);
    }

    private static ControlReply Outcome(Errno error) => Result(error, error switch
    {
        Errno.Busy => "frozen already, or about to be",
        Errno.Invalid => "not frozen",
        Errno.NotSupported => "the kernel moves its data, and freezes it: see fsfreeze(8)",
        Errno.TimedOut => "what is under way does not end",
        Errno.NotConnected => "it is about to end",
        _ => "the volume can no longer be written",
    });

    private static ControlReply Own(bool isOwn) =>
        Result(isOwn ? Errno.Ok : Errno.Invalid, "thawed meanwhile: its time was over, or somebody else thawed it");

    private static ControlReply Result(Errno error, string message) =>
        new() { Error = error, Message = error == Errno.Ok ? null : message };
}
