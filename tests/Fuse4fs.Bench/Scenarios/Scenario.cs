namespace Fuse4fs.Bench.Scenarios;

/// <summary>Phases that share one mount, run in order: later ones find what earlier ones left.</summary>
/// <param name="Name">Names the group.</param>
/// <param name="IsWriting">Gets a fresh writable copy of the empty image, else the filled one read-only.</param>
/// <param name="Parts">What of the filled image it reads.</param>
/// <param name="Phases">The measured steps.</param>
internal sealed record Scenario(string Name, bool IsWriting, ImageParts Parts, params Phase[] Phases)
{
    /// <summary>All scenarios in the order they run.</summary>
    public static Scenario[] All => [.. ReadScenarios.All, .. WriteScenarios.All];
}
