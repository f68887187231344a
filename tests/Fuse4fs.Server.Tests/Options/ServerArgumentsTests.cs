using Fuse4fs.Daemon;
using Fuse4fs.Options;

namespace Fuse4fs.Server.Tests.Options;

/// <summary>What the launcher writes is what the server reads.</summary>
public sealed class ServerArgumentsTests
{
    [Fact]
    public void A_request_survives_the_command_line()
    {
        var request = new MountRequest
        {
            Source = "-o",
            MountPoint = "/mnt/with blank",
            Words = ["ro", "fsname=a,b", @"lockfile=/x\y"],
            SingleThread = true,
            Quiet = true,
            LogLevel = "debug",
            LogFile = "/var/log/x",
        };
        string[] arguments = [.. ServerArguments.Write(request)];
        Assert.True(ServerArguments.IsServer(arguments));
        MountRequest read = ServerArguments.Read(arguments);
        Assert.Equal(request.Words, read.Words);
        Assert.Equal(request with { Words = [] }, read with { Words = [] });
    }

    [Theory]
    [InlineData("--serve")]
    [InlineData("--serve", "b")]
    [InlineData("--serve", "--frob", "a", "b")]
    public void Anything_else_is_refused(params string[] arguments) =>
        Assert.Throws<UsageException>(() => ServerArguments.Read(arguments));
}
