using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Casefolded directories through the kernel's name cache, which knows nothing of them.</summary>
public sealed class CasefoldMountTests
{
    private static readonly string[] s_scripts =
    [
        "test ! -e d/foo; chattr +F d; touch d/Foo; test -e d/foo; test -e d/FOO; ls d | grep -qx Foo",
        "touch d/x; chattr +F d 2>/dev/null && exit 1; rm d/x; chattr +F d; mkdir d/Sub; "
            + "lsattr -d d/sub | cut -d' ' -f1 | grep -q F",
        "chattr +F d; echo 1 > d/Name; echo 2 > d/NAME; test \"$(cat d/name)\" = 2; test $(ls d | wc -l) = 1",
        "chattr +F d; touch d/Name; "
            + "(set -C; : > d/nAME) 2>/dev/null && exit 1; ln d/name d/NAME 2>/dev/null && exit 1; true",
        "chattr +F d; touch d/a; stat d/A > /dev/null; rm d/A; test ! -e d/a; test ! -e d/A",
        "chattr +F d; touch f; stat f > /dev/null; mv f d/F; stat d/f > /dev/null; rm d/f; test ! -e d/F",
        "chattr +F d; touch d/old src; mv src d/OLD; test $(ls d | wc -l) = 1; ls d | grep -qx old; test ! -e src",
        "chattr +F d; mkdir d/Dir; cd d/DIR; touch f; cd ../..; test -e d/dir/F; rm -r d/dIR; test ! -e d/Dir",
        "chattr +F d; touch d/$(printf '\\303\\211clair'); test -e d/$(printf 'e\\314\\201CLAIR')",
        "chattr +F d; touch d/one; ls -l d > /dev/null; mv d/ONE d/two; test ! -e d/one; test -e d/TWO",
        "chattr +F d; for i in $(seq 300); do touch d/File$i; done; for i in $(seq 300); do test -e d/fILE$i; done; "
            + "chattr -F d 2>/dev/null && exit 1; rm d/File*; test $(ls d | wc -l) = 0; chattr -F d",
    ];

    public static TheoryData<int> Scripts => [.. Enumerable.Range(0, s_scripts.Length)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Names_are_found_in_any_case(int script)
    {
        Assert.SkipWhen(Host.NoRootFuse is not null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4 -b 1024 -O casefold", 32L << 20);
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            ToolResult result = Tool.Run(
                "bash", "-e", "-c", $"cd {mount.MountPoint}; mkdir d; {s_scripts[script]}");
            Assert.True(result.ExitCode == 0, $"{s_scripts[script]}: {result}");
            mount.Unmount();
        }
        image.AssertClean();
    }

    [Fact]
    public void A_strict_volume_refuses_names_that_are_not_utf8()
    {
        Assert.SkipWhen(Host.NoRootFuse is not null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4 -O casefold -E encoding_flags=strict", 32L << 20);
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            ToolResult result = Tool.Run("bash", "-e", "-c",
                $"cd {mount.MountPoint}; mkdir d; n=$(printf 'a\\377'); touch $n; "
                + "chattr +F d; touch d/$n 2>/dev/null && exit 1; true");
            Assert.True(result.ExitCode == 0, result.ToString());
            mount.Unmount();
        }
        image.AssertClean();
    }
}
