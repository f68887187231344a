namespace Fuse4fs.Testing.Images;

/// <summary>A covering array over what mke2fs can be told: every two choices that go together are together in an
/// image.</summary>
public static class FeatureCombinations
{
    private const int Tries = 60;

    /// <summary>Each factor with its choices; a choice is what it adds to mke2fs's options, features behind "-O".
    /// </summary>
    private static readonly string[][] s_factors =
    [
        ["-b 1024", "-b 2048", "-b 4096"],
        ["-I 256", "-I 128", "-I 1024"],
        ["-O extent", "-O ^extent", "-O extent,bigalloc"],
        ["-O ^inline_data", "-O inline_data"],
        ["", "-O quota", "-O quota,project"],
        ["-O ^ea_inode", "-O ea_inode"],
        ["-O 64bit", "-O ^64bit"],
        [
            "-O metadata_csum", "-O metadata_csum,metadata_csum_seed", "-O ^metadata_csum,uninit_bg",
            "-O ^metadata_csum,^uninit_bg",
        ],
        ["-O flex_bg", "-O ^flex_bg", "-O meta_bg,^resize_inode"],
        ["-O sparse_super", "-O sparse_super2,^resize_inode", "-O ^sparse_super,^resize_inode"],
        ["-O dir_index", "-O dir_index,large_dir", "-O ^dir_index"],
        ["-O dir_nlink", "-O ^dir_nlink"],
        ["-O filetype", "-O ^filetype"],
        ["-O huge_file", "-O ^huge_file"],
        ["-O has_journal", "-O has_journal,fast_commit", "-O ^has_journal", External],
        ["-O ^orphan_file", "-O orphan_file"],
        ["-O ^stable_inodes", "-O stable_inodes"],
        ["-O ^mmp", "-O mmp"],
        ["-O ^casefold", "-O casefold"],
        ["-O ^extra_isize", "-O extra_isize"],
    ];

    /// <summary>What mke2fs refuses, or what says nothing: choices that exclude each other.</summary>
    private static readonly (string First, string Second)[] s_conflicts =
    [
        ("-O ^extent", "-O inline_data"), ("-O ^extent", "-O 64bit"),
        ("-I 128", "-O inline_data"), ("-I 128", "-O quota,project"), ("-I 128", "-O extra_isize"),
        ("-O ^has_journal", "-O orphan_file"), (External, "-O orphan_file"),
    ];

    /// <summary>Many kernels mount no volume with quotas for writing, and hardly any with casefold.</summary>
    private static readonly string[] s_notForKernels = ["-O casefold", "-O quota", "-O quota,project"];

    private const string External = "external";

    /// <summary>The array; always the same one.</summary>
    /// <param name="isForKernel">Only what kernels mount for writing: no casefold, no quotas.</param>
    public static IReadOnlyList<Recipe> Make(bool isForKernel)
    {
        var random = new Random(1);
        string[][] factors = [.. s_factors.Select(choices =>
            isForKernel ? [.. choices.Where(choice => !s_notForKernels.Contains(choice))] : choices)];
        HashSet<(int, int, int, int)> open = Pairs(factors);
        var rows = new List<Recipe>();
        while (open.Count > 0)
        {
            int[] best = [];
            int gain = 0;
            for (int i = 0; i < Tries; i++)
            {
                int[] row = Grow(factors, open, random);
                int covered = Covered(row, open).Count();
                if (covered > gain)
                {
                    (best, gain) = (row, covered);
                }
            }
            open.ExceptWith(Covered(best, open).ToArray());
            rows.Add(ToRecipe(rows.Count, factors, best));
        }
        return rows;
    }

    private static HashSet<(int, int, int, int)> Pairs(string[][] factors)
    {
        var pairs = new HashSet<(int, int, int, int)>();
        for (int first = 0; first < factors.Length; first++)
        {
            for (int second = first + 1; second < factors.Length; second++)
            {
                for (int one = 0; one < factors[first].Length; one++)
                {
                    for (int other = 0; other < factors[second].Length; other++)
                    {
                        if (AreCompatible(factors[first][one], factors[second][other]))
                        {
                            pairs.Add((first, one, second, other));
                        }
                    }
                }
            }
        }
        return pairs;
    }

    /// <summary>Starts with a pair that is missing, and adds to it what covers most.</summary>
    private static int[] Grow(string[][] factors, HashSet<(int, int, int, int)> open, Random random)
    {
        int[] row = [.. Enumerable.Repeat(-1, factors.Length)];
        (int first, int one, int second, int other) = open.ElementAt(random.Next(open.Count));
        (row[first], row[second]) = (one, other);
        int[] order = [.. Enumerable.Range(0, factors.Length)];
        random.Shuffle(order);
        foreach (int factor in order.Where(factor => row[factor] < 0))
        {
            int best = -1;
            int[] choices = [.. Enumerable.Range(0, factors[factor].Length)];
            random.Shuffle(choices);
            foreach (int choice in choices.Where(choice => Fits(factors, row, factor, choice)))
            {
                if (best < 0 || Gain(row, factor, choice, open) > Gain(row, factor, best, open))
                {
                    best = choice;
                }
            }
            row[factor] = best;
        }
        return row;
    }

    private static bool Fits(string[][] factors, int[] row, int factor, int choice) =>
        Enumerable.Range(0, row.Length).All(other => row[other] < 0
            || AreCompatible(factors[factor][choice], factors[other][row[other]]));

    private static int Gain(int[] row, int factor, int choice, HashSet<(int, int, int, int)> open) =>
        Enumerable.Range(0, row.Length).Count(other => row[other] >= 0 && open.Contains(other < factor
            ? (other, row[other], factor, choice)
            : (factor, choice, other, row[other])));

    private static IEnumerable<(int, int, int, int)> Covered(int[] row, HashSet<(int, int, int, int)> open) =>
        open.Where(pair => row[pair.Item1] == pair.Item2 && row[pair.Item3] == pair.Item4);

    private static bool AreCompatible(string first, string second) =>
        !s_conflicts.Contains((first, second)) && !s_conflicts.Contains((second, first));

    private static Recipe ToRecipe(int number, string[][] factors, int[] row)
    {
        string[] chosen = [.. row.Select((choice, factor) => factors[factor][choice])];
        bool isExternal = chosen.Contains(External);
        IEnumerable<string> features = chosen.Where(choice => choice.StartsWith("-O ", StringComparison.Ordinal))
            .Select(choice => choice[3..]);
        IEnumerable<string> options = chosen.Where(choice => choice.StartsWith('-')
            && !choice.StartsWith("-O ", StringComparison.Ordinal));
        List<string> extended = [];
        if (chosen.Contains("-O quota,project"))
        {
            extended.Add("quotatype=usrquota:grpquota:prjquota");
        }
        if (chosen.Contains("-O mmp"))
        {
            extended.Add("mmp_update_interval=1");
        }
        return new Recipe
        {
            Name = $"combination-{number}",
            Features = string.Join(',', features.Prepend("ext_attr,large_file,resize_inode")
                .Append(isExternal ? "^has_journal" : "")).TrimEnd(','),
            Options = string.Join(' ', options) + " -N 4096"
                + (extended.Count > 0 ? " -E " + string.Join(',', extended) : ""),
            SizeBytes = 48L << 20,
            Fill = [],
            After = isExternal ? "images/external-journal $IMAGE" : "",
            IsOffline = chosen.Any(s_notForKernels.Contains),
            Oracle = chosen.Contains("-O casefold") ? "debugfs" : "",
        };
    }
}
