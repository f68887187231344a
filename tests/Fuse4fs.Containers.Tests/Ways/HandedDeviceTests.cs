using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>A server that is handed an open /dev/fuse and may not mount: the caller mounts, as libfuse's servers have it.
/// </summary>
public sealed class HandedDeviceTests
{
    /// <summary>Nobody, without any capability, for good.</summary>
    private const string Powerless =
        "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs";

    [Theory]
    [InlineData("-f", "umount")]
    [InlineData("", "umount")]
    [InlineData("-f", "signal")]
    public void The_caller_mounts_and_the_server_has_no_right_at_all(string mode, string end)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        string program = UnprivilegedCommand.CopyTo(image.Directory);
        Tool.Shell($"chown 65534:65534 '{image.Path}' && chmod 755 '{image.Directory.Path}'");
        ToolResult result = Tool.Run("bash", "-euo", "pipefail", "-c", $"""
            exec 3<>/dev/fuse
            mount -i -t fuse -o fd=3,rootmode=40000,user_id=65534,group_id=65534,allow_other,default_permissions \
                image '{place}'
            {Powerless} '{program}' {mode} -o allow_other '{image.Path}' /dev/fd/3 2>'{image.Directory.Path}/log' &
            exec 3<&-
            server=$!
            mkdir '{place}/dir'
            head -c 3000000 /dev/urandom > '{place}/dir/file'
            sha256sum < '{place}/dir/file' > '{image.Directory.Path}/sum'
            if [ {end} = umount ]; then
                umount '{place}'
            else
                kill -TERM $server
            fi
            wait $server
            if [ {end} = signal ]; then
                (ls '{place}' 2>&1 || true) | grep -o 'not connected'
                umount '{place}'
            fi
            # Without -f the server is a process of its own.
            for try in $(seq 600); do flock -n '{image.Path}' true && break; sleep 0.1; done
            """);
        Assert.True(result.ExitCode == 0, result + File.ReadAllText(image.Directory.Combine("log")));
        Assert.Equal(end == "signal" ? "not connected\n" : "", result.Output);
        image.AssertClean();
        string sum = Tool.Shell($"debugfs -R 'cat /dir/file' '{image.Path}' 2>/dev/null | sha256sum");
        Assert.Equal(File.ReadAllText(image.Directory.Combine("sum")), sum);
    }
}
