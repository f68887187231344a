using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.Server.Tests.Sandbox;

/// <summary>The numbers of system calls are those of the kernel's headers: a wrong one would allow something else.</summary>
public sealed partial class SystemCallTableTests
{
    private const string X64Header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

    /// <summary>The numbers of arm64, and of every architecture that came after it.</summary>
    private const string GenericHeader = "/usr/include/asm-generic/unistd.h";

    [Fact]
    public void Numbers_of_x64_are_those_of_its_header() =>
        Check(X64Header, static name => name, static entry => entry.X64);

    [Fact]
    public void Numbers_of_arm64_are_those_of_the_generic_header() =>
        Check(GenericHeader, static name => name == "newfstatat" ? "fstatat" : name, static entry => entry.Arm64);

    private static void Check(
        string header, Func<string, string> nameIn, Func<(string Name, int X64, int Arm64), int> numberOf)
    {
        Assert.SkipUnless(File.Exists(header), $"{header} is not installed");
        Dictionary<string, int> numbers = Definition().Matches(File.ReadAllText(header))
            .ToDictionary(static one => one.Groups[1].Value, static one => Number(one.Groups[2].Value));
        Assert.True(numbers.Count > 200);
        Assert.All(SystemCallNumbers.Table(), entry =>
            Assert.Equal(numbers.GetValueOrDefault(nameIn(entry.Name), -1), numberOf(entry)));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Definition();
}
