using System.Globalization;
using System.Text.Json;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Control;

/// <summary>Speaks with a server over its socket.</summary>
public sealed class ControlClient : IDisposable
{
    private const int LongestReplyBytes = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly FileDescriptor _socket;

    private ControlClient(FileDescriptor socket) => _socket = socket;

    /// <summary>Connects to the server of a mount.</summary>
    /// <returns>Null and what went wrong in <paramref name="failure"/>.</returns>
    public static ControlClient? Connect(string mountPoint, out string failure)
    {
        string place = Unmounter.PlaceOf(mountPoint);
        MountEntry? mount = MountTable.Find(place);
        if (mount is null || !mount.Type.StartsWith("fuse", StringComparison.Ordinal))
        {
            failure = mount is null ? $"{mountPoint}: not mounted" : $"{mountPoint}: not served by fuse4fs";
            return null;
        }
        string? path = ControlDirectory.Find(mount.Device, LibC.GetEffectiveUid() == 0 ? OwnerOf(mount) : null);
        if (path is null)
        {
            // Not where we would have put it: then the mount itself knows.
            if (!MountControl.TryIdentify(place, out MountIdentity identity, out failure))
            {
                return null;
            }
            path = identity.Socket;
        }
        ControlClient? client = Open(path, out Errno error);
        failure = client is not null ? "" : error is Errno.AccessDenied or Errno.NotPermitted
            ? $"{mountPoint}: no permission to speak with its server"
            : $"{mountPoint}: its server cannot be reached ({(path.Length == 0 ? "it has no socket" : path)}: {error})";
        return client;
    }

    /// <summary>Connects to a socket.</summary>
    public static ControlClient? Open(string path, out Errno error)
    {
        error = LibC.TryConnect(path, out FileDescriptor? socket);
        return error == Errno.Ok ? new ControlClient(socket!) : null;
    }

    /// <summary>Paths of the sockets of the caller's servers.</summary>
    public static IEnumerable<string> Sockets() => ControlDirectory.All();

    /// <summary>Asks, and waits for the answer: some take as long as the device takes.</summary>
    public ControlReply Ask(ControlRequest request) => Ask(request, wantsImage: false, out _);

    /// <summary>Freezes, and is given the image: the mount stays frozen for as long as this object lives, or so many
    /// seconds.</summary>
    /// <param name="seconds">See <see cref="ControlVerb.Renew"/>.</param>
    /// <param name="image">Null unless it succeeded.</param>
    public ControlReply FreezeForCopy(int seconds, out FileDescriptor? image) =>
        Ask(new ControlRequest { Verb = ControlVerb.Freeze, Seconds = seconds, WantsImage = true }, wantsImage: true,
            out image);

    private ControlReply Ask(ControlRequest request, bool wantsImage, out FileDescriptor? image)
    {
        image = null;
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n'];
        Errno error = LibC.TrySend(_socket, line);
        if (error != Errno.Ok)
        {
            return Failed(error);
        }
        var reply = new List<byte>();
        if (wantsImage)
        {
            error = LibC.TryReceiveDescriptor(_socket, out byte first, out image);
            if (error is not (Errno.Ok or Errno.NoData) || first == 0)
            {
                return Failed(error == Errno.NoData ? Errno.NotConnected : error);
            }
            reply.Add(first);
        }
        Span<byte> piece = stackalloc byte[4096];
        while (reply.Count == 0 || reply[^1] != '\n')
        {
            error = LibC.TryReceive(_socket, piece, out int count);
            if (error != Errno.Ok || count == 0 || reply.Count > LongestReplyBytes)
            {
                return Failed(error == Errno.Ok ? Errno.NotConnected : error);
            }
            reply.AddRange(piece[..count]);
        }
        try
        {
            return JsonSerializer.Deserialize(reply.ToArray(), ControlJson.Default.ControlReply) ?? Failed(Errno.Protocol);
        }
        catch (JsonException)
        {
            return Failed(Errno.Protocol);
        }
    }

    /// <summary>As <see cref="Ask(ControlRequest)"/>, for what answers at once.</summary>
    public ControlReply AskQuickly(ControlRequest request)
    {
        LibC.SetTimeouts(_socket, s_patience, s_patience);
        return Ask(request);
    }

    /// <summary>Ends the talk.</summary>
    public void Dispose() => _socket.Dispose();

    private static uint? OwnerOf(MountEntry mount)
    {
        const string word = "user_id=";
        string? option = mount.Options.Split(',').FirstOrDefault(one => one.StartsWith(word, StringComparison.Ordinal));
        return uint.TryParse(option.AsSpan(option is null ? 0 : word.Length), CultureInfo.InvariantCulture, out uint user)
            ? user
            : null;
    }

    private static ControlReply Failed(Errno error) => new()
    {
        Error = error,
        Message = error == Errno.Again ? "its server does not answer" : $"its server ended the talk: {error}",
    };
}
