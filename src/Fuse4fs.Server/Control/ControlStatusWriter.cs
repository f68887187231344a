using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;

namespace Fuse4fs.Server.Control;

/// <summary>The server's side of <see cref="ControlCommands.Status"/>.</summary>
internal static class ControlStatusWriter
{
    public static Errno Answer(ServedVolume server, in IoControlIn request, ref ReplyWriter reply)
    {
        OperationCount[] counts = server.Session?.Counts() ?? [];
        long requests = counts.Sum(static count => count.Requests);
        var status = new ControlStatus
        {
            Mark = ControlStatus.ExpectedMark,
            ProcessId = Environment.ProcessId,
            ProcessNamespace = MountControl.OwnProcessNamespace(),
            Requests = (ulong)requests,
            IsReadOnly = server.IsReadOnly ? 1u : 0,
            Text = Describe(server, counts),
        };
        return IoControlHandler.Answer(MemoryMarshal.AsBytes(new ReadOnlySpan<ControlStatus>(in status)), in request,
            ref reply);
    }

    private static string Describe(ServedVolume server, OperationCount[] counts)
    {
        var text = new StringBuilder();
        void Line(string key, object value) => text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n");

        Line("image", server.Source.Path);
        Line("mode", server.IsReadOnly ? "read-only" : server.Volume.IsReadOnly ? "read-only after an error" : "read-write");
        Line("process", Environment.ProcessId);
        Line("protocol", $"7.{server.Capabilities.Minor}, {server.Capabilities.Flags}");
        for (int slot = 0; slot < counts.Length; slot++)
        {
            if (counts[slot].Requests > 0)
            {
                Line(OperationTable.NameOf(slot), string.Create(CultureInfo.InvariantCulture,
                    $"{counts[slot].Requests} requests, {counts[slot].Total.TotalMilliseconds:0.0} ms"));
            }
        }
        return text.ToString();
    }
}
