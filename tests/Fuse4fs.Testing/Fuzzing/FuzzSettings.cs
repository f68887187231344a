using System.Globalization;

namespace Fuse4fs.Testing.Fuzzing;

/// <summary>What scripts/fuzz says to a campaign, by environment variables.</summary>
public static class FuzzSettings
{
    /// <summary>FUSE4FS_FUZZ_FIRST: the number of the first mutant.</summary>
    public static int First => Number("FUSE4FS_FUZZ_FIRST", 1);

    /// <summary>FUSE4FS_FUZZ_CHAIN: the only mutant to make; null for many.</summary>
    public static MutationChain? Only =>
        Environment.GetEnvironmentVariable("FUSE4FS_FUZZ_CHAIN") is { Length: > 0 } chain ? MutationChain.Parse(chain) : null;

    /// <summary>FUSE4FS_FUZZ_MUTANTS: how many.</summary>
    public static int Count(int otherwise) => Only is null ? Number("FUSE4FS_FUZZ_MUTANTS", otherwise) : 1;

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
