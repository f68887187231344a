using System.Globalization;

namespace Fuse4fs.Testing.Fuzzing;

/// <summary>Names a mutant: the seed, and the numbers of the mutations one upon the other.</summary>
/// <param name="Seed">Index of the seed.</param>
/// <param name="Numbers">At least one.</param>
public sealed record MutationChain(int Seed, IReadOnlyList<int> Numbers)
{
    /// <summary>As it is given in FUSE4FS_FUZZ_CHAIN: "3:17,4711".</summary>
    public static MutationChain Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        int[] numbers = [.. parts[1].Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
        return new MutationChain(int.Parse(parts[0], CultureInfo.InvariantCulture), numbers);
    }

    /// <summary>With one more mutation; a chain that is full starts anew with it.</summary>
    public MutationChain And(int number, int mostNumbers) =>
        this with { Numbers = Numbers.Count < mostNumbers ? [.. Numbers, number] : [number] };

    /// <inheritdoc/>
    public override string ToString() => $"{Seed}:{string.Join(',', Numbers)}";
}
