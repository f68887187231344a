using System.Globalization;
using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>What is asked of a read-only mount.</summary>
internal static class ReadScenarios
{
    private const int WarmRepeats = 20;
    private const string ColdRandomReads = "20000";
    private const string WarmRandomReads = "400000";

    public static Scenario[] All =>
    [
        new("tree-names", IsWriting: false, ImageParts.Tree,
            new Phase("find-cold", "walk the tree with stat, cold", Figure.Rate, Find) { IsCold = true },
            new Phase("find-warm", "walk the tree with stat, warm", Figure.Rate, Find) { IsRepeated = true }),
        new("small-files", IsWriting: false, ImageParts.Small,
            new Phase("stat-warm", "stat of small files, warm", Figure.Rate, w => Small(w, "stat"))
            {
                IsRepeated = true,
            },
            new Phase("open-warm", "open and close, warm", Figure.Rate, w => Small(w, "open")) { IsRepeated = true },
            new Phase("fetch-warm", "open, read 4 KiB, close, warm", Figure.Rate, w => Small(w, "fetch"))
            {
                IsRepeated = true,
            }),
        new("large-directory", IsWriting: false, ImageParts.Many,
            new Phase("list-cold", "readdir of the large directory, cold", Figure.Rate, List) { IsCold = true },
            new Phase("list-warm", "readdir of the large directory, warm", Figure.Rate, List) { IsRepeated = true }),
        new("tree-data", IsWriting: false, ImageParts.Tree,
            new Phase("tree-cold", "read every file of the tree, cold", Figure.Throughput, ReadTree) { IsCold = true }),
        new("sequential", IsWriting: false, ImageParts.Big,
            new Phase("seq-cold", "sequential read, 1 MiB, cold", Figure.Throughput, w => Sequential(w, "cached", 1))
            {
                IsCold = true,
            },
            new Phase("seq-warm", "sequential read, 1 MiB, warm", Figure.Throughput, w => Sequential(w, "cached", 1))
            {
                IsRepeated = true,
            },
            new Phase("rand-warm", "random 4 KiB reads, warm", Figure.Rate,
                w => Random(w, "cached", 1, WarmRandomReads))),
        new("random", IsWriting: false, ImageParts.Big,
            new Phase("rand-cold", "random 4 KiB reads, cold", Figure.Rate,
                w => Random(w, "cached", 1, ColdRandomReads))
            {
                IsCold = true,
            }),
        new("direct", IsWriting: false, ImageParts.Big,
            Direct("direct-seq-1", "O_DIRECT sequential 1 MiB, 1 at a time", Figure.Throughput, DirectSequential, 1),
            Direct("direct-seq-16", "O_DIRECT sequential 1 MiB, 16 at a time", Figure.Throughput, DirectSequential, 16),
            Direct("direct-rand-1", "O_DIRECT random 4 KiB, 1 at a time", Figure.Rate, DirectRandom, 1),
            Direct("direct-rand-16", "O_DIRECT random 4 KiB, 16 at a time", Figure.Rate, DirectRandom, 16)),
        new("four-readers", IsWriting: false, ImageParts.Quarters,
            new Phase("readers-cold", "4 files read at once, cold", Figure.Throughput, Readers) { IsCold = true }),
    ];

    private static Phase Direct(
        string name, string title, Figure figure, Func<Workplace, int, LoadResult> run, int threads) =>
        new(name, title, figure, w => run(w, threads)) { IsCold = true };

    private static LoadResult Find(Workplace place) => place.Load.Run("find", place.At("tree"));

    private static LoadResult ReadTree(Workplace place) => place.Load.Run("read-tree", place.At("tree"));

    private static LoadResult List(Workplace place) => place.Load.Run("list", place.At("many"));

    private static LoadResult Small(Workplace place, string load) =>
        place.Load.Run(load, place.At("small"), "1", Text(place.Sizes.Files) + "x" + Text(WarmRepeats));

    private static LoadResult Sequential(Workplace place, string mode, int threads) =>
        place.Load.Run("read", place.At("big"), "1m", mode, Text(threads));

    private static LoadResult DirectSequential(Workplace place, int threads) => Sequential(place, "direct", threads);

    private static LoadResult DirectRandom(Workplace place, int threads) =>
        Random(place, "direct", threads, ColdRandomReads);

    private static LoadResult Random(Workplace place, string mode, int threads, string count) =>
        place.Load.Run("random", place.At("big"), "4k", mode, Text(threads), count, Text(place.Round + 1));

    private static LoadResult Readers(Workplace place) => place.Load.Run("readers", place.At("part"), "128k", "4");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
