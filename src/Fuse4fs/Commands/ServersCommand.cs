using System.CommandLine;
using System.Text.Json;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs list: the mounts of the caller.</summary>
internal static class ServersCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "a JSON array of what status says" };
        var command = new Command("list", "Lists your mounts: where, what, how, and the server's process.") { json };
        command.SetAction(result =>
        {
            List<ServerStatus> servers = Find();
            if (result.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(servers, ControlJson.Default.ListServerStatus));
                return;
            }
            foreach (ServerStatus server in servers)
            {
                Console.Out.Write($"{EscapedName.Of(server.MountPoint)}\t{EscapedName.Of(server.Image)}\t"
                    + $"{server.Mode}\t{server.Process}\n");
            }
        });
        return command;
    }

    private static List<ServerStatus> Find()
    {
        var servers = new List<ServerStatus>();
        foreach (string socket in ControlClient.Sockets())
        {
            // One that nobody listens at is left over from a server that was killed.
            using ControlClient? client = ControlClient.Open(socket, out _);
            if (client?.AskQuickly(new ControlRequest { Verb = ControlVerb.Status }).Status is { } status)
            {
                servers.Add(status);
            }
        }
        return servers;
    }
}
