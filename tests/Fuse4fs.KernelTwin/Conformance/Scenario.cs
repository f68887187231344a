namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>One thing that every server must be able to do. It gets a fresh file system and leaves it mounted.</summary>
public sealed record Scenario(string Name, Action<Bench> Run)
{
    public override string ToString() => Name;
}
