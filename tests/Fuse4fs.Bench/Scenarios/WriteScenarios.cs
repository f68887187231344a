using System.Globalization;
using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>What is asked of a writable mount. Only steps that name an fsync include making the data durable.</summary>
internal static class WriteScenarios
{
    private const string SpreadDirectories = "100";

    public static Scenario[] All =>
    [
        new("source-tree", IsWriting: true, ImageParts.None,
            new Phase("untar", "unpack a source tree", Figure.Duration,
                w => Shell(w, $"tar -C {w.Root} -xf {w.Inputs.Archive}")),
            new Phase("cp-a", "cp -a of the tree", Figure.Duration,
                w => Shell(w, $"cp -a {w.At(Inputs.SourceName)} {w.At("copy")}")),
            new Phase("rm-rf", "rm -rf of the copy", Figure.Duration, w => Shell(w, $"rm -rf {w.At("copy")}"))),
        Files("1", "one directory", "1"),
        Files("100", "100 directories", SpreadDirectories),
        new("directories", IsWriting: true, ImageParts.None,
            new Phase("mkdir", "make directories", Figure.Rate, w => Names(w, "mkdir", "1")),
            new Phase("rmdir", "remove directories", Figure.Rate, w => Names(w, "rmdir", "1"))),
        new("sequential-write", IsWriting: true, ImageParts.None,
            new Phase("seq-write", "sequential write, 1 MiB, with fsync", Figure.Throughput,
                w => Write(w, "written", 1, w.Sizes.WriteMib)),
            new Phase("rand-write", "random 4 KiB overwrites, fsync after every 16", Figure.Rate,
                w => w.Load.Run("overwrite", w.At("written0"), "4k", "4096", Text(w.Round + 1), "16"))),
        new("four-writers", IsWriting: true, ImageParts.None,
            new Phase("writers", "4 files written at once, with fsync", Figure.Throughput,
                w => Write(w, "written", 4, w.Sizes.WriteMib / 8))),
        new("durable", IsWriting: true, ImageParts.None,
            new Phase("fsync", "300 new files with fsync", Figure.Rate,
                w => w.Load.Run("sync", w.At("durable-"), "300")),
            new Phase("sqlite", "500 sqlite transactions", Figure.Duration,
                w => Shell(w, $"sqlite3 {w.At("database")} < {w.Inputs.Transactions} > /dev/null"))
            {
                NeedsStorage = true,
            }),
        new("git", IsWriting: true, ImageParts.None,
            new Phase("git-checkout", "check out a repository", Figure.Duration, w => Shell(w,
                $"git --git-dir={w.Inputs.Repository} --work-tree={w.At("checkout")} checkout -q -f HEAD -- ."))
            {
                Prepare = w => Directory.CreateDirectory(w.At("checkout")),
            }),
    ];

    private static Scenario Files(string suffix, string where, string directories) =>
        new("files-" + suffix, IsWriting: true, ImageParts.None,
            new Phase($"create-{suffix}", $"create files in {where}", Figure.Rate, w => Names(w, "create", directories))
            {
                Prepare = w => Spread(w, directories),
            },
            new Phase($"stat-{suffix}", $"stat them, cold", Figure.Rate, w => Names(w, "stat", directories))
            {
                IsCold = true,
            },
            new Phase($"rename-{suffix}", $"rename files in {where}", Figure.Rate,
                w => Names(w, "rename", directories)),
            new Phase($"unlink-{suffix}", $"unlink files in {where}", Figure.Rate,
                w => Names(w, "unlink", directories)));

    private static void Spread(Workplace place, string directories)
    {
        Directory.CreateDirectory(place.At("set"));
        if (directories != "1")
        {
            place.Load.Run("spread", place.At("set"), directories);
        }
    }

    private static LoadResult Names(Workplace place, string load, string directories)
    {
        Directory.CreateDirectory(place.At("set"));
        return place.Load.Run(load, place.At("set"), directories, Text(place.Sizes.Files));
    }

    private static LoadResult Write(Workplace place, string prefix, int files, int mebibytes) =>
        place.Load.Run("writers", place.At(prefix), "1m", Text(files), Text(mebibytes) + "m");

    private static LoadResult Shell(Workplace place, string command) => place.Load.Run("shell", command);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
