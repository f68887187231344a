using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;

namespace Fuse4fs.Server.Control;

/// <summary>The server's side of <see cref="ControlCommands.Identify"/>.</summary>
internal static class IdentityAnswer
{
    public static Errno Give(ServedVolume server, in IoControlIn request, ref ReplyWriter reply)
    {
        var identity = new MountIdentity
        {
            Mark = MountIdentity.ExpectedMark,
            ProcessId = Environment.ProcessId,
            ProcessNamespace = MountControl.OwnProcessNamespace(),
            IsReadOnly = server.IsReadOnly ? 1u : 0,
            Socket = server.ControlSocket ?? "",
        };
        return IoControlHandler.Answer(MemoryMarshal.AsBytes(new ReadOnlySpan<MountIdentity>(in identity)), in request,
            ref reply);
    }
}
