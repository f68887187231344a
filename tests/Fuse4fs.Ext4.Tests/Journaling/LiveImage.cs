using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>An image as a power cut would leave it: copied while the kernel has it mounted and works in it.</summary>
internal static class LiveImage
{
    /// <summary>Fills a tree, commits, changes it, commits by fsync: the changes are in the log, not at home.</summary>
    private const string Work = """
        cd "$1"
        for d in 1 2 3 4 5 6; do
          mkdir -p d$d/sub
          for f in $(seq 1 40); do echo "file $d $f" > d$d/name-$f; done
        done
        head -c 300000 /dev/urandom > big; ln -s $(head -c 200 /dev/zero | tr '\0' x) slow; ln big d1/hard
        setfattr -n user.note -v $(head -c 150 /dev/zero | tr '\0' y) big
        sync -f .
        for round in 1 2 3 4 5; do
          rm -rf d$round/sub; mv d$round/name-1 d6/from-$round
          for f in $(seq 2 12); do rm d$round/name-$f; done
          mkdir new$round; for f in $(seq 1 90); do echo $f > new$round/a-longer-name-for-the-directory-$f; done
          truncate -s $((round * 7000)) big; head -c 5000 /dev/zero | tr '\0' z > new$round/data
          sync new$round/data
          rm -rf d$round
          sync new$round new$round/data
        done
        touch last; sync last
        """;

    /// <summary>Makes an image, works in it, and copies it in the middle.</summary>
    /// <param name="makeOptions">mke2fs options.</param>
    /// <param name="mountOptions">Mount options for the kernel.</param>
    /// <param name="rounds">How often the work is repeated, each time in a directory of its own.</param>
    /// <param name="extraWork">More commands, at the root of the mount.</param>
    public static TestImage Make(string makeOptions, string mountOptions = "", int rounds = 1, string? extraWork = null)
    {
        using var image = new TestImage(makeOptions, 64L << 20);
        using var mount = new LoopMount(image.Path, mountOptions);
        for (int round = 0; round < rounds; round++)
        {
            string directory = mount.Combine($"round{round}");
            Directory.CreateDirectory(directory);
            Tool.Check("bash", "-euo", "pipefail", "-c", Work, "work", directory);
        }
        if (extraWork is not null)
        {
            Tool.Check("bash", "-euo", "pipefail", "-c", extraWork, "work", mount.MountPoint);
        }
        return image.Copy();
    }
}
