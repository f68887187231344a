using Fuse4fs.Server.Sandbox;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Sandbox;

/// <summary>What a sealed process can still do, tried in one: on the thread that sealed it and on one from before.</summary>
public sealed class SealTests
{
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;

    /// <summary>128 + SIGSYS.</summary>
    private const int EndedByFilter = 159;

    private static readonly string s_probe = Path.Combine(AppContext.BaseDirectory, "Fuse4fs.SandboxProbe");

    [Theory]
    [InlineData("execve")]
    [InlineData("execveat")]
    [InlineData("socket")]
    [InlineData("fork")]
    [InlineData("ptrace")]
    [InlineData("mount")]
    [InlineData("umount2")]
    [InlineData("unshare")]
    [InlineData("bpf")]
    [InlineData("io_uring_setup")]
    public void Dangerous_calls_fail_and_in_strict_mode_end_the_process(string call)
    {
        SkipUnlessPossible();
        Assert.Equal($"{NotPermitted} {NotPermitted}", Probe("default", call).Output.Trim());
        ToolResult strict = Probe("strict", call);
        Assert.Equal(EndedByFilter, strict.ExitCode);
        Assert.Equal("", strict.Output);
    }

    [Theory]
    [InlineData("clone", NotPermitted)]
    [InlineData("kill", NotPermitted)]
    [InlineData("tgkill", NotPermitted)]
    [InlineData("prctl", NotPermitted)]
    [InlineData("unlink", NotPermitted)]
    [InlineData("rename", NotPermitted)]
    [InlineData("ioctl", 25)]
    [InlineData("openat", AccessDenied)]
    [InlineData("open", AccessDenied)]
    [InlineData("openat-write", AccessDenied)]
    public void What_serving_needs_goes_no_further_than_serving(string call, int error)
    {
        SkipUnlessPossible();
        Assert.Equal($"{error} {error}", Probe("default", call).Output.Trim());
        Assert.Equal($"{error} {error}", Probe("strict", call).Output.Trim());
    }

    [Fact]
    public void Only_the_default_mode_looks_into_the_systems_files()
    {
        SkipUnlessPossible();
        Assert.Equal("0 0", Probe("default", "openat-system").Output.Trim());
        Assert.Equal($"{AccessDenied} {AccessDenied}", Probe("strict", "openat-system").Output.Trim());
    }

    [Theory]
    [InlineData("default")]
    [InlineData("strict")]
    public void The_runtime_does_not_miss_anything(string mode)
    {
        SkipUnlessPossible();
        ToolResult result = Probe(mode, "work");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("worked", result.Output.Trim());
    }

    private static ToolResult Probe(string mode, string call) => Tool.Run("env", "DOTNET_EnableDiagnostics=0", s_probe, mode, call);

    private static void SkipUnlessPossible() => Assert.SkipUnless(Seal.WhyNotStrict() is null, Seal.WhyNotStrict() ?? "");
}
