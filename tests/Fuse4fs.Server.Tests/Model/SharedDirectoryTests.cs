using System.Globalization;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Model;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>Threads that use the same names in the same directories: our own answers must fit together, and the final
/// tree must be the one they imply.</summary>
public sealed class SharedDirectoryTests
{
    private const int Threads = 4;
    private const int Names = 12;

    private static readonly int s_operations = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_MODEL_OPERATIONS") ?? "4000", CultureInfo.InvariantCulture) / Threads;

    /// <summary>By directory and name: how often it came into being less how often it went, by the answers given.
    /// </summary>
    private readonly int[,] _balance = new int[2, Names];

    private HostPath _root;

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext4+1k")]
    public void Answers_imply_the_final_tree(string features)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(RecipeBook.All[features] with { Fill = [] });
        using var ours = new FuseMount(image.Path, "rw");
        _root = new HostPath(ours.MountPoint);
        for (int directory = 0; directory < 2; directory++)
        {
            Assert.Equal(0, Posix.MakeDirectory(Directory(directory), 0x1ED));
        }
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, Work);

        CheckNames();
        TreeSnapshot shown = ModelTree.Capture(ours.MountPoint);
        ours.Unmount();
        image.AssertClean();
        using var kernel = new LoopMount(image.Path, "ro");
        TreeSnapshot.AssertSame(shown, ModelTree.Capture(kernel.MountPoint));
    }

    private HostPath Directory(int number) => _root.Child(string.Create(CultureInfo.InvariantCulture, $"shared{number}"));

    private HostPath Name(int directory, int name) =>
        Directory(directory).Child(string.Create(CultureInfo.InvariantCulture, $"name-{name}"));

    private void Work(int thread)
    {
        var random = new PatternStream((ulong)thread + 17);
        for (int count = 0; count < s_operations; count++)
        {
            (int directory, int name) = (random.Below(2), random.Below(Names));
            (int otherDirectory, int otherName) = (random.Below(2), random.Below(Names));
            switch (random.Below(6))
            {
                case 0:
                    int file = Posix.Open(Name(directory, name), OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, 0x180);
                    Count(file >= 0, directory, name, +1);
                    _ = file >= 0 ? Posix.Close(file) : 0;
                    break;
                case 1:
                    Count(Posix.Unlink(Name(directory, name)) == 0, directory, name, -1);
                    break;
                case 2:
                    Count(Posix.Link(Name(directory, name), Name(otherDirectory, otherName)) == 0, otherDirectory, otherName, +1);
                    break;
                case 3:
                    bool isMoved = Posix.Rename(Name(directory, name), Name(otherDirectory, otherName), RenameMode.NoReplace) == 0;
                    Count(isMoved, directory, name, -1);
                    Count(isMoved, otherDirectory, otherName, +1);
                    break;
                case 4:
                    // Both exist before and after: nothing to count.
                    Posix.Rename(Name(directory, name), Name(otherDirectory, otherName), RenameMode.Exchange);
                    break;
                default:
                    Assert.Equal(0, DirectoryReader.Read(Directory(directory), out List<ListedName> names));
                    Assert.Equal(names.Count, names.DistinctBy(listed => ByteText.Escape(listed.Name)).Count());
                    break;
            }
        }
    }

    private void Count(bool isDone, int directory, int name, int change)
    {
        if (isDone)
        {
            Interlocked.Add(ref _balance[directory, name], change);
        }
    }

    private void CheckNames()
    {
        for (int directory = 0; directory < 2; directory++)
        {
            Assert.Equal(0, DirectoryReader.Read(Directory(directory), out List<ListedName> names));
            HashSet<string> listed = [.. names.Select(entry => ByteText.Escape(entry.Name))];
            for (int name = 0; name < Names; name++)
            {
                int exists = Posix.Stat(Name(directory, name), out _) == 0 ? 1 : 0;
                Assert.Equal(exists, _balance[directory, name]);
                Assert.Equal(exists == 1, listed.Contains($"name-{name}"));
            }
        }
    }
}
