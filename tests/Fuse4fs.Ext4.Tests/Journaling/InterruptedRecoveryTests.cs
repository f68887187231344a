using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Power fails again while the log, or fast commits, are being replayed: the next recovery still gives the
/// tree that the first would have given.</summary>
public class InterruptedRecoveryTests
{
    private const string FastCommits = """
        cd "$1"
        mkdir a; for i in $(seq 1 60); do : > a/some-name-that-fills-the-block-$i; done
        head -c 300000 /dev/urandom > a/big
        sync -f .
        for i in $(seq 1 90); do echo $i > a/another-name-which-needs-a-split-$i; done; sync a/big
        for i in $(seq 1 20); do rm a/some-name-that-fills-the-block-$i; done; truncate -s 5000 a/big; sync a/big
        """;

    [Theory]
    [InlineData("-t ext4 -b 4096", false)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum", false)]
    [InlineData("-t ext4 -b 1024 -O fast_commit", true)]
    [InlineData("-t ext4 -b 4096 -O fast_commit", true)]
    public void A_second_cut_changes_nothing(string makeOptions, bool isFast)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = isFast
            ? LiveImage.Make(makeOptions, "commit=600", rounds: 0, FastCommits)
            : LiveImage.Make(makeOptions);
        List<string> expected = VolumeTree.Capture(image.Path);
        var device = new RecordingDevice(File.ReadAllBytes(image.Path))
        {
            IsAtomic = static (offset, length) => length <= 512 || (offset <= 1024 && offset + length >= 2048),
        };
        Volume.Open(device, new VolumeOptions()).Dispose();

        int seed = Environment.TickCount & 0xFFFFFF;
        var random = new Random(seed);
        IEnumerable<int> cuts = device.FlushBoundaries()
            .Concat(Enumerable.Range(0, 12).Select(_ => random.Next(device.StepCount + 1)));
        foreach (int cut in cuts)
        {
            string path = image.Directory.Combine("cut");
            File.WriteAllBytes(path, device.AfterPowerCut(cut, random));
            Assert.True(expected.SequenceEqual(VolumeTree.Capture(path)), $"seed {seed}, cut after {cut}");
        }
    }
}
