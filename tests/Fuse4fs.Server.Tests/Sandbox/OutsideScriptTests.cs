using Fuse4fs.Server.Sandbox;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Sandbox;

/// <summary>What the helper outside makes of lines that no server of ours sends.</summary>
public sealed class OutsideScriptTests
{
    [Theory]
    [InlineData("sh", "peek ../tmp 1 2 3 4")]
    [InlineData("sh", "poke ../../tmp 1 2 3 4")]
    [InlineData("bash", "peek 1 1 x[$(kill${IFS}$$)] 0 1")]
    [InlineData("sh", "metrics -1")]
    public void It_ends_at_the_first_thing_that_is_no_number(string shell, string line)
    {
        ToolResult result = Tool.Run("bash", "-c", "printf '%s\\n' ready \"$2\" ready | \"$3\" -c \"$1\" helper - - - - - - 0",
            "test", OutsideScript.Text, line, shell);
        Assert.Equal("0 \n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }
}
