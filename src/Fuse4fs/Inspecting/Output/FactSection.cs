namespace Fuse4fs.Inspecting.Output;

/// <summary>Facts that belong together.</summary>
/// <param name="Name">JSON property.</param>
/// <param name="Title">Heading for people.</param>
/// <param name="Facts">In the order they are shown.</param>
internal sealed record FactSection(string Name, string Title, IReadOnlyList<Fact> Facts);
