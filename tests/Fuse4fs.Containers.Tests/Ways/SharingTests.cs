using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>Many containers on one image, one writer, and a host that kills a container with everything in it.</summary>
public sealed class SharingTests
{
    [Fact]
    public void Many_read_one_writes_and_refusals_name_who_is_in_the_way()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var contents = new TemporaryDirectory();
        Tool.Shell($"cp -r /etc/apt {contents.Path}/tree");
        using var image = new TestImage("-t ext4", contents: contents.Path);
        string before = image.Hash();
        const int count = 8;
        var readers = new ServedMount[count];
        try
        {
            Parallel.For(0, count, i => readers[i] = new ServedMount(image.Path, "ro"));
            Parallel.ForEach(readers, reader => Tool.Check("diff", "-r", "/etc/apt", reader.Combine("tree")));
            Refused(image, "rw", "locked by fuse4fs (process ");
        }
        finally
        {
            foreach (ServedMount? reader in readers)
            {
                reader?.Dispose();
            }
        }
        Assert.Equal(before, image.Hash());
        using var writer = new ServedMount(image.Path, "rw");
        Refused(image, "ro", $"locked by fuse4fs (process {writer.ServerProcess})");
        Refused(image, "rw", $"locked by fuse4fs (process {writer.ServerProcess})");
    }

    [Fact]
    public void After_a_container_was_killed_the_next_mount_replays()
    {
        Assert.SkipUnless(Host.NoFuse is null, Host.NoFuse ?? "");
        Assert.SkipUnless(Tool.Run("unshare", "-Urmpf", "true").ExitCode == 0, "user namespaces are not permitted");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        for (int round = 1; round <= 4; round++)
        {
            // Server and writers live in a process namespace: with its first process all of them get SIGKILL.
            ToolResult result = Tool.Run("bash", "-euo", "pipefail", "-c", $$"""
                unshare -Urmpf --mount-proc --kill-child bash -euc '
                    "{{Command.Path}}" "{{image.Path}}" "{{place}}"
                    for ((i = 0; ; i++)); do
                        mkdir -p "{{place}}/{{round}}/$i"
                        head -c 100000 /dev/urandom > "{{place}}/{{round}}/$i/file"
                        sync "{{place}}/{{round}}/$i/file"
                        echo $i > "{{image.Directory.Path}}/acknowledged"
                    done' 2>/dev/null &
                container=$!
                rm -f '{{image.Directory.Path}}/acknowledged'
                until [ -s '{{image.Directory.Path}}/acknowledged' ] \
                    && [ "$(cat '{{image.Directory.Path}}/acknowledged')" -ge {{5 * round}} ]; do
                    kill -0 $container; sleep 0.05
                done
                kill -KILL $container
                wait $container || true
                """);
            Assert.True(result.ExitCode == 0, result.ToString());
            int acknowledged = int.Parse(File.ReadAllText(image.Directory.Combine("acknowledged")).Trim());
            using var next = new ServedMount(image.Path, round % 2 == 0 ? "rw" : "ro");
            for (int i = 0; i <= acknowledged; i++)
            {
                Assert.Equal(100000, new FileInfo(next.Combine($"{round}/{i}/file")).Length);
            }
            next.Unmount();
        }
        using (var last = new ServedMount(image.Path, "rw"))
        {
            last.Unmount();
        }
        image.AssertClean();
    }

    private static void Refused(TestImage image, string options, string words)
    {
        using var place = new TemporaryDirectory();
        ToolResult result = Command.Run("-o", options, image.Path, place.Path);
        Assert.Equal(32, result.ExitCode);
        Assert.Contains(words, result.Errors, StringComparison.Ordinal);
        Assert.Null(MountTable.Find(place.Path));
    }
}
