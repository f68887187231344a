using System.Text.Json;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>probe and completion.</summary>
public sealed class SystemTests
{
    [Fact]
    public void Probe_asks_the_kernel()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        JsonElement fuse = Inspect.Json("probe").GetProperty("fuse");
        Assert.True(fuse.GetProperty("device").GetBoolean());
        string[] version = fuse.GetProperty("version").GetString()!.Split('.');
        Assert.Equal("7", version[0]);
        Assert.InRange(int.Parse(version[1], System.Globalization.CultureInfo.InvariantCulture), 31, 999);
        Assert.True(fuse.TryGetProperty("passthrough", out _));
        Assert.DoesNotContain("fuse4fs-probe", File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void Bash_completes_commands()
    {
        string script = $$"""
            export PATH='{{Path.GetDirectoryName(Inspect.Program)}}':$PATH
            source <(fuse4fs completion bash)
            COMP_LINE='fuse4fs exp'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(fuse4fs exp); COMP_CWORD=1
            _fuse4fs
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        Assert.Equal("export\n", Tool.Shell(script));
        Assert.Contains("compdef", Inspect.Check("completion", "zsh"), StringComparison.Ordinal);
    }
}
