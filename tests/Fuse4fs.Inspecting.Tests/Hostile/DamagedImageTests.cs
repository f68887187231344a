using System.Runtime.ExceptionServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>What was a bug once is walked, exported and changed in every run.</summary>
public sealed class DamagedImageTests
{
    private const int Rounds = 8;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    public static TheoryData<string> Recipes => [.. DamagedImages.Names];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void It_is_refused_or_answers_with_documented_errors(string name)
    {
        Assert.SkipUnless(DamagedImages.CannotMake is null, DamagedImages.CannotMake ?? "");
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        DamagedImages.Make(name, path);
        byte[] image = File.ReadAllBytes(path);
        Deadline.Run(s_patience, () => Walk(image));
        ToolResult export = Inspect.Run("export", path, "--tar", directory.Combine("tar"));
        Assert.True(export.ExitCode is 0 or 1 or 2, export.ToString());
    }

    /// <summary>The directory's damage lies behind names: who lists them has to be told.</summary>
    [Fact]
    public void Damage_behind_the_first_names_is_told()
    {
        Assert.SkipUnless(DamagedImages.CannotMake is null, DamagedImages.CannotMake ?? "");
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        DamagedImages.Make("listing", path);
        ToolResult found = Inspect.Run("find", path);
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("/d", found.Errors, StringComparison.Ordinal);
    }

    private static void Walk(byte[] image)
    {
        string? foreign = null;
        Thread own = Thread.CurrentThread;
        void Note(object? sender, FirstChanceExceptionEventArgs thrown)
        {
            if (Thread.CurrentThread == own && thrown.Exception is not (Ext4CorruptException or DeviceException
                or VolumeRefusedException or InspectionException))
            {
                foreign ??= $"{thrown.Exception}\n{Environment.StackTrace}";
            }
        }

        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            for (int seed = 0; seed < Rounds; seed++)
            {
                MutantRun.Run(image, image.Length, new Random(seed), isWritten: true);
            }
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }
        Assert.True(foreign is null, foreign);
    }
}
