using System.Text.Json;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;

namespace Fuse4fs.Server.Control;

/// <summary>The server's side of <see cref="ControlCommands.Status"/>: for root and the server's own user, as at the socket.
/// A mount service has a user of its own and is not told for whom it mounts: it answers everybody whom the mount lets
/// in.</summary>
internal static class StatusAnswer
{
    public static Errno Give(ServedVolume server, in InHeader header, in IoControlIn request, ref ReplyWriter reply)
    {
        if (server.Options.Given is null && !VolumeIoControl.IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(StatusReport.Of(server), ControlJson.Default.ServerStatus);
        if (text.Length > ControlCommands.StatusBytes)
        {
            return Errno.Overflow;
        }
        Array.Resize(ref text, (int)ControlCommands.StatusBytes);
        return IoControlHandler.Answer(text, in request, ref reply);
    }
}
