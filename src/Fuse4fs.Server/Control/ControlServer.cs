using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Control;

/// <summary>The socket at which a server is spoken to: for its own user and root. Clients are served one request after the
/// other, each on a thread of its own; there is a bound for how many there are, how long a line is, and how long one may
/// keep silent, so the mount does not notice what they do.</summary>
internal sealed class ControlServer : IDisposable
{
    private const int MostClients = 8;
    private const int Backlog = 16;

    private readonly ServedVolume _server;
    private readonly FileDescriptor _listener;
    private readonly string _path;

    /// <summary>Of the socket's name: who comes after us may have made another one of the same name.</summary>
    private readonly ulong _inode;
    private readonly uint _owner = LibC.GetEffectiveUid();
    private readonly Lock _gate = new();
    private readonly List<ControlConnection> _clients = [];
    private readonly Thread _thread;
    private volatile bool _isEnding;

    private ControlServer(ServedVolume server, FileDescriptor listener, string path)
    {
        _server = server;
        _listener = listener;
        _path = path;
        _inode = InodeOf(path);
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = "fuse4fs-control" };
    }

    /// <summary>The socket's name.</summary>
    public string Path => _path;

    /// <summary>The number of the socket's name.</summary>
    public ulong Inode => _inode;

    /// <summary>Begins to listen. Without a place for the socket the mount is served all the same; the log says so.
    /// </summary>
    public static ControlServer? Start(ServedVolume server)
    {
        if (ControlDirectory.Prepare() is not string place)
        {
            ServerLog.NoControl(server.Log, "no directory for it");
            return null;
        }
        string path = System.IO.Path.Combine(place, ControlDirectory.NameOf(server.MountDevice));
        // One of an ended server: device numbers are used again, and nobody else can have ours.
        _ = LibC.Unlink(path);
        Errno error = LibC.TryListen(path, Backlog, out FileDescriptor? listener);
        if (error != Errno.Ok)
        {
            ServerLog.NoControl(server.Log, $"{path}: {error}");
            return null;
        }
        var control = new ControlServer(server, listener!, path);
        server.ControlSocket = path;
        server.Control = control;
        control._thread.Start();
        return control;
    }

    /// <summary>Lets no client in any more and sends away those that are here.</summary>
    public void Dispose()
    {
        _isEnding = true;
        if (_server.Outside is { } outside)
        {
            outside.RemoveSocket();
        }
        else if (InodeOf(_path) == _inode)
        {
            _ = LibC.Unlink(_path);
        }
        LibC.ShutDown(_listener);
        _thread.Join();
        ControlConnection[] left;
        lock (_gate)
        {
            left = [.. _clients];
        }
        foreach (ControlConnection client in left)
        {
            client.Stop();
        }
        foreach (ControlConnection client in left)
        {
            client.Join();
        }
        _listener.Dispose();
    }

    private void Run()
    {
        while (!_isEnding)
        {
            Errno error = LibC.TryAccept(_listener, out FileDescriptor? connection);
            if (error == Errno.Ok)
            {
                Admit(connection!);
            }
            else if (error is not (Errno.Interrupted or Errno.ConnectionAborted) && !_isEnding)
            {
                // Out of descriptors, say: look again later, never in a tight loop.
                Thread.Sleep(100);
            }
        }
    }

    private void Admit(FileDescriptor socket)
    {
        bool isAllowed = LibC.TryGetPeer(socket, out uint user) == Errno.Ok && (user == 0 || user == _owner);
        lock (_gate)
        {
            if (isAllowed && !_isEnding && _clients.Count < MostClients)
            {
                var client = new ControlConnection(_server, socket, Forget);
                if (TryStart(client))
                {
                    _clients.Add(client);
                    return;
                }
            }
        }
        socket.Dispose();
    }

    /// <summary>There may be no more threads to be had: no reason to end a mount.</summary>
    private bool TryStart(ControlConnection client)
    {
        try
        {
            client.Start();
            return true;
        }
        catch (OutOfMemoryException failure)
        {
            ServerLog.BackgroundFailed(_server.Log, failure);
            return false;
        }
    }

    private static ulong InodeOf(string path) => LibC.Status(path, out FileStatus status) == Errno.Ok ? status.Inode : 0;

    private void Forget(ControlConnection client)
    {
        lock (_gate)
        {
            _clients.Remove(client);
        }
    }
}
