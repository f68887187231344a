namespace Fuse4fs.KernelTwin.Rules;

/// <summary>A rule that the server broke, and where.</summary>
public sealed record RuleViolation(Rule Rule, string Detail)
{
    public override string ToString() => $"rule {Rule.Number} ({Rule.Text}): {Detail}";
}
