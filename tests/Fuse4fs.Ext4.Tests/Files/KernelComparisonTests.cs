using System.Globalization;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Every inode of every recipe's image, as the kernel's mount shows it and as the engine does.</summary>
public sealed class KernelComparisonTests
{
    private static readonly string[] s_opened = ["flags", "generation", "ranges", "contents"];

    private static readonly string[] s_namesOnly =
        ["inode", "entry-type", "entry-inode", "readdir", "block-size", "attributes", "xattrs", "extended-flags"];

    /// <summary>Where inodes and maps differ from each other; all others with FUSE4FS_TEST_FULL=1.</summary>
    private static readonly string[] s_selection =
    [
        "ext4", "ext4+1k", "ext3+1k", "ext3-csum", "ext2-revision0", "blocks-2k", "bigalloc+1k", "meta-bg+1k",
        "sparse-super2", "no-sparse-super", "inline-data", "inline-data+1k", "inode-128", "inode-1024", "no-huge-file",
        "csum-seed", "project", "encrypt", "verity", "everything",
    ];

    public static TheoryData<string> Recipes() =>
    [
        .. RecipeBook.All.Values.Where(recipe => !recipe.IsJudgedByDebugfs).Select(recipe => recipe.Name)
            .Where(name => Environment.GetEnvironmentVariable("FUSE4FS_TEST_FULL") == "1" || s_selection.Contains(name)),
    ];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Every_inode_is_what_the_kernel_shows(string name)
    {
        Recipe recipe = RecipeBook.All[name];
        Assert.SkipUnless(ImageMaker.CannotMake(recipe) is null, ImageMaker.CannotMake(recipe) ?? "");
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = ImageMaker.Make(recipe);
        string options = recipe.Oracle.Length == 0 ? "ro,noload" : "ro,noload," + recipe.Oracle;
        TreeSnapshot expected;
        using (var mount = new LoopMount(image.Path, options))
        {
            expected = MountedTree.Capture(mount.MountPoint);
        }
        using Volume volume = OpenVolume(image.Path);
        TreeSnapshot actual = CaptureAll(volume, expected);
        string[] ignored = [.. s_namesOnly, .. XattrFields(expected)];
        Assert.Empty(TreeSnapshot.Differences(expected, actual, ignored));
    }

    private static Volume OpenVolume(string path)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(path, isReadOnly: true, 0, isExclusive: false, out ImageFile? device));
        return Volume.Open(device!, new VolumeOptions { ReadOnly = true });
    }

    private static TreeSnapshot CaptureAll(Volume volume, TreeSnapshot expected)
    {
        var actual = new TreeSnapshot();
        foreach (string path in expected.Nodes.Keys)
        {
            if (path == TreeSnapshot.FileSystem)
            {
                CaptureStatistics(volume, actual.At(path));
                continue;
            }
            uint number = uint.Parse(expected.At(path)["inode"], CultureInfo.InvariantCulture);
            NodeRecord found = InodeCapture.Capture(volume, number);
            bool isOpened = expected.At(path)["open"].Length == 0;
            foreach ((string field, string value) in found.Fields)
            {
                if (isOpened || !s_opened.Contains(field))
                {
                    actual.At(path)[field] = value;
                }
            }
            if (!isOpened)
            {
                // This kernel may lack what the file needs (verity, keys): what opening would show is not known.
                actual.At(path)["open"] = expected.At(path)["open"];
            }
        }
        return actual;
    }

    private static void CaptureStatistics(Volume volume, NodeRecord record)
    {
        VolumeStatistics figures = volume.Statistics();
        record.Set("fragment-size", figures.BlockSizeBytes);
        record.Set("blocks", (long)figures.Blocks);
        record.Set("free-blocks", (long)figures.FreeBlocks);
        record.Set("available-blocks", (long)figures.AvailableBlocks);
        record.Set("inodes", figures.Inodes);
        record.Set("free-inodes", figures.FreeInodes);
        record.Set("name-length", figures.MaximumNameBytes);
    }

    private static IEnumerable<string> XattrFields(TreeSnapshot snapshot) =>
        snapshot.Nodes.Keys.SelectMany(path => snapshot.At(path).Fields.Keys)
            .Where(field => field.StartsWith("xattr ", StringComparison.Ordinal))
            .Distinct();
}
