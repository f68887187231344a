using System.Globalization;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Server.Tests.Matrix;

/// <summary>What real programs read from an image of real files. FUSE4FS_TEST_REAL_INPUT names other directories, as in
/// "/usr" (gigabytes).</summary>
public sealed class RealInputTests : IDisposable
{
    private const int Readers = 16;

    /// <summary>Debian has these; some tens of megabytes.</summary>
    private static readonly string s_sources =
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_REAL_INPUT") ?? "/usr/include /usr/sbin /usr/lib/git-core /usr/share/perl";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Programs_read_an_image_of_real_files()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse ?? Host.Without("git") ?? Host.Without("tar");
        Assert.SkipWhen(reason is not null, reason ?? "");
        string[] sources = [.. s_sources.Split(' ').Where(Directory.Exists)];
        Assert.NotEmpty(sources);
        string image = MakeImage(sources, out string listing);
        using var mount = new FuseMount(image);

        foreach (string source in sources)
        {
            // Device nodes and the like are compared by the matrix; diff says nothing when all is equal.
            Assert.Equal("", Tool.Check("diff", "-r", "--no-dereference", source, mount.MountPoint + source));
        }
        Tool.Shell($"cd {mount.Combine("repository")}; export GIT_OPTIONAL_LOCKS=0;"
            + " git -c safe.directory='*' status --porcelain | diff /dev/null -;"
            + " git -c safe.directory='*' fsck --full --strict");
        Assert.Equal(listing, TarHash(mount.MountPoint));
        Parallel.For(0, Readers, new ParallelOptions { MaxDegreeOfParallelism = Readers },
            _ => Assert.Equal(listing, TarHash(mount.MountPoint)));
        mount.Unmount();
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>An image with copies of the sources and a git repository.</summary>
    private string MakeImage(string[] sources, out string listing)
    {
        string used = Tool.Shell($"du -scm {string.Join(' ', sources)} | tail -n 1 | cut -f1").Trim();
        long bytes = ((long.Parse(used, CultureInfo.InvariantCulture) * 5 / 4) + 256) << 20;
        string image = _directory.Combine("image");
        TestImage.CreateSparse(image, bytes);
        Tool.Check("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", image);
        using var mount = new LoopMount(image);
        foreach (string source in sources)
        {
            string target = mount.MountPoint + Path.GetDirectoryName(source);
            Tool.Shell($"mkdir -p '{target}'; cp -a '{source}' '{target}'");
        }
        Tool.Shell($"cd {mount.MountPoint}; git init -q repository; cd repository;"
            + $" cp -r {RecipeBook.RepositoryRoot}/docs {RecipeBook.RepositoryRoot}/images {RecipeBook.RepositoryRoot}/README.md .;"
            + " git add -A; git -c user.name=test -c user.email=test@localhost commit -qm all; git gc -q");
        listing = TarHash(mount.MountPoint);
        mount.Unmount();
        return image;
    }

    /// <summary>One hash over names, attributes, times and contents of everything.</summary>
    private static string TarHash(string directory) =>
        Tool.Shell($"tar -C {directory} --sort=name --format=posix --pax-option=delete=atime --xattrs -cf - . | sha256sum");
}
