using System.Globalization;
using Fuse4fs.Server.Sandbox;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Model;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>Random operations mirrored on a kernel ext4 mount and on ours: same results, same errors, same final tree;
/// then e2fsck finds nothing, and the kernel, mounting our image, sees the tree we showed.</summary>
public sealed class ModelTests
{
    /// <summary>FUSE4FS_TEST_MODEL_OPERATIONS: of one run.</summary>
    private static readonly int s_operations = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_MODEL_OPERATIONS") ?? "4000", CultureInfo.InvariantCulture);

    /// <summary>FUSE4FS_TEST_MODEL_SEED: another run.</summary>
    private static readonly ulong s_seed = ulong.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_MODEL_SEED") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>FUSE4FS_TEST_MODEL_FEATURES: other names of images/recipes.ini, or combination-0, combination-1 ... of the
    /// array that covers all pairs of features, blanks between. Behind a colon what the
    /// kernel is given instead, because not every kernel mounts the image.</summary>
    private static readonly string s_features = Environment.GetEnvironmentVariable("FUSE4FS_TEST_MODEL_FEATURES")
        ?? "ext4 ext4+1k ext4+nocsum ext4-uninit no-64bit no-flex meta-bg sparse-super2 csum-seed inode-128 large-dir"
        + " orphan-file fast-commit no-journal no-dir-index ext2+1k ext2-revision0 ext3 ext3+1k ext3-csum bigalloc+1k bigalloc-64k mmp"
        + " quota:ext4 project:ext4 ea-inode ea-inode+1k inline-data inline-data+1k inline-data-512"
        + " no-filetype no-dir-nlink no-huge-file everything casefold:ext4 external-journal:ext4";

    public static TheoryData<string> FeatureSets => [.. s_features.Split(' ')];

    [Theory]
    [MemberData(nameof(FeatureSets))]
    public void One_thread_sees_what_it_sees_on_the_kernels_ext4(string features)
    {
        using var pair = new MountPair(features);
        pair.Run.Execute(s_seed, s_operations);
        pair.CompareAndCheck();
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3+1k")]
    public void And_with_data_that_goes_through_the_journal(string features)
    {
        using var pair = new MountPair(features, ",data=journal");
        pair.Run.Execute(s_seed, s_operations);
        pair.CompareAndCheck();
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext4+1k")]
    public void Threads_in_directories_of_their_own_see_what_they_see_on_the_kernels_ext4(string features)
    {
        const int threads = 4;
        using var pair = new MountPair(features);
        string[] directories = [.. Enumerable.Range(0, threads).Select(number => $"thread{number}")];
        foreach (string directory in directories)
        {
            Directory.CreateDirectory(Path.Combine(pair.Kernel.MountPoint, directory));
            Directory.CreateDirectory(Path.Combine(pair.Ours.MountPoint, directory));
        }
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads },
            number => pair.Run.Execute(s_seed * 100 + (ulong)number, s_operations / 2, directories[number]));
        pair.CompareAndCheck();
    }

    /// <summary>Every operation works in the strictest sandbox.</summary>
    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3")]
    [InlineData("everything")]
    public void A_strictly_sealed_server_does_what_the_kernels_ext4_does(string features)
    {
        Assert.SkipUnless(Seal.WhyNotStrict() is null, Seal.WhyNotStrict() ?? "");
        using var pair = new MountPair(features, ourOptions: ",sandbox=strict");
        pair.Run.Execute(s_seed + 1, s_operations);
        pair.CompareAndCheck();
    }

    /// <summary>The block of its attributes is all that such an inode occupies; it has no map.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(200)]
    public void A_symlink_with_attributes_is_freed(int targetBytes)
    {
        using var pair = new MountPair("ext4");
        HostPath link = new HostPath(pair.Ours.MountPoint).Child("link");
        Assert.Equal(0, Posix.MakeSymlink(new string('t', targetBytes).Select(letter => (byte)letter).ToArray(), link));
        Assert.Equal(0, Posix.SetXattr(link, "trusted.big"u8, new byte[300]));
        Assert.Equal(0, Posix.Unlink(link));
        pair.CompareAndCheck();
    }

    /// <summary>Tests the tester: two kernel mounts agree, whatever their features.</summary>
    [Fact]
    public void Two_mounts_by_the_kernel_agree()
    {
        Assert.SkipWhen(Host.NoKernelExt4 is not null, Host.NoKernelExt4 ?? "");
        using TestImage left = ImageMaker.Make(RecipeBook.All["ext4"] with { Fill = [] });
        using TestImage right = ImageMaker.Make(RecipeBook.All["ext4-uninit+1k"] with { Fill = [] });
        using var leftMount = new LoopMount(left.Path, "nodev");
        using var rightMount = new LoopMount(right.Path, "nodev");
        int successes = new MirroredRun(leftMount.MountPoint, rightMount.MountPoint).Execute(s_seed, s_operations);
        Assert.True(successes > s_operations / 3, $"only {successes} of {s_operations} operations did something");
        TreeSnapshot.AssertSame(ModelTree.Capture(leftMount.MountPoint), ModelTree.Capture(rightMount.MountPoint));
    }

    /// <summary>An empty image of the same features for each side.</summary>
    private sealed class MountPair : IDisposable
    {
        private readonly TestImage _kernelImage;
        private readonly TestImage _ourImage;
        private readonly bool _isForBoth;

        public MountPair(string features, string options = "", string ourOptions = "")
        {
            string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
            Assert.SkipWhen(reason is not null, reason ?? "");
            string[] names = features.Split(':');
            _isForBoth = names.Length == 1;
            Recipe recipe = Find(names[0]);
            _kernelImage = ImageMaker.Make(Find(names[^1]) with { Fill = [] });
            _ourImage = ImageMaker.Make(recipe with { Fill = [] });
            Kernel = new LoopMount(_kernelImage.Path, "nodev" + options);
            string journal = _ourImage.JournalPath is { } path ? $",journal_path={path}" : "";
            Ours = new FuseMount(_ourImage.Path, "rw,nodev,allow_other,default_permissions" + journal + options + ourOptions);
            Run = new MirroredRun(Kernel.MountPoint, Ours.MountPoint)
            {
                HasLargeValues = recipe.Features.Split(',').Contains("ea_inode"),
            };
        }

        private static Recipe Find(string name) => RecipeBook.All.TryGetValue(name, out Recipe? recipe)
            ? recipe
            : FeatureCombinations.Make(isForKernel: true).First(combination => combination.Name == name);

        public LoopMount Kernel { get; }

        public FuseMount Ours { get; }

        public MirroredRun Run { get; }

        public void CompareAndCheck()
        {
            TreeSnapshot expected = ModelTree.Capture(Kernel.MountPoint);
            TreeSnapshot actual = ModelTree.Capture(Ours.MountPoint);
            TreeSnapshot.AssertSame(expected, actual);
            Ours.Unmount();
            _ourImage.AssertClean();
            if (!_isForBoth)
            {
                return;
            }
            using var byKernel = new LoopMount(_ourImage.Path, "ro");
            TreeSnapshot.AssertSame(actual, ModelTree.Capture(byKernel.MountPoint));
        }

        public void Dispose()
        {
            Ours.Dispose();
            Kernel.Dispose();
            _ourImage.Dispose();
            _kernelImage.Dispose();
        }
    }
}
