using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Server.Control;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>The control socket: who may use it, and what bad clients can do: nothing.</summary>
public sealed class SocketTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void It_is_for_its_owner_alone_and_goes_with_the_mount()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,allow_other");
        string path = SocketOf(mount);
        Assert.Equal("socket 600", Tool.Check("stat", "-c", "%F %a", path).Trim());
        Assert.Equal("directory 700 0", Tool.Check("stat", "-c", "%F %a %u", Path.GetDirectoryName(path)!).Trim());
        Assert.Equal(1, Tool.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-e", path).ExitCode);
        Assert.Equal("read-write", mount.Status("mode"));
        mount.Unmount();
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void Status_in_json_counts_what_was_done()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        for (int i = 0; i < 25; i++)
        {
            Directory.CreateDirectory(mount.Combine($"d{i}"));
        }
        ToolResult result = Command.Run("status", "--json", mount.MountPoint);
        Assert.Equal(0, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.Equal(image.Path, json.RootElement.GetProperty("image").GetString());
        Assert.Equal(mount.ServerProcess, json.RootElement.GetProperty("process").GetInt32());
        JsonElement made = json.RootElement.GetProperty("operations").EnumerateArray()
            .Single(operation => operation.GetProperty("kind").GetString() == "MKDIR");
        Assert.Equal(25, made.GetProperty("requests").GetInt64());
        double median = made.GetProperty("medianMicroseconds").GetDouble();
        double longest = made.GetProperty("longestMicroseconds").GetDouble();
        Assert.InRange(median, 0.1, longest);
        Assert.Contains(Command.Run("list").Output.Split('\n'),
            line => line.StartsWith($"{mount.MountPoint}\t{image.Path}\tread-write\t{mount.ServerProcess}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}\n")]
    [InlineData("nonsense\n")]
    [InlineData("{\"version\":7,\"verb\":\"Status\"}\n")]
    [InlineData("{\"verb\":\"Launch\"}\n")]
    [InlineData("{\"verb\":99}\n")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n")]
    [InlineData("\n")]
    public void Senseless_requests_are_answered_with_an_error(string line)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        using Socket client = Open(SocketOf(mount));
        client.Send(Encoding.ASCII.GetBytes(line));
        var answer = new byte[65536];
        int length = client.Receive(answer);
        using JsonDocument json = JsonDocument.Parse(answer.AsMemory(0, length));
        Assert.True(json.RootElement.TryGetProperty("message", out _), Encoding.UTF8.GetString(answer, 0, length));
        Assert.Equal("read-write", mount.Status("mode"));
    }

    [Fact]
    public async Task Clients_that_keep_silent_flood_or_vanish_do_not_disturb_the_mount()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string path = SocketOf(mount);
        var clients = new List<Socket>();
        try
        {
            for (int i = 0; i < 40; i++)
            {
                clients.Add(Open(path));
            }
            byte[] flood = Encoding.ASCII.GetBytes(new string('x', 1 << 20));
            Task[] floods = [.. clients.Take(4).Select(client => Task.Run(() => Flood(client, flood)))];
            for (int i = 0; i < 50; i++)
            {
                File.WriteAllText(mount.Combine($"file{i}"), "x");
            }
            await Task.WhenAll(floods).WaitAsync(s_patience, TestContext.Current.CancellationToken);
        }
        finally
        {
            clients.ForEach(static client => client.Dispose());
        }
        // Their threads end: then there is room again.
        Assert.True(SpinWait.SpinUntil(() => mount.Status("mode") == "read-write", s_patience));
        for (int i = 0; i < 200; i++)
        {
            using ControlClient? client = ControlClient.Open(path, out _);
            _ = client?.AskQuickly(new ControlRequest { Verb = ControlVerb.Status });
        }
        Assert.True(SpinWait.SpinUntil(() => ThreadsOf(mount) < 40, s_patience));
        mount.Unmount();
        image.AssertClean();
    }

    private static void Flood(Socket client, byte[] flood)
    {
        try
        {
            for (int i = 0; i < 16; i++)
            {
                client.Send(flood);
            }
        }
        catch (SocketException)
        {
            // Sent away: as it should be.
        }
    }

    private static int ThreadsOf(ServedMount mount) => Directory.GetDirectories($"/proc/{mount.ServerProcess}/task").Length;

    private static Socket Open(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static string SocketOf(ServedMount mount) =>
        $"/run/fuse4fs/{MountTable.Find(mount.MountPoint)!.Device.Replace(':', '-')}.sock";
}
