namespace Fuse4fs.KernelTwin.Rules;

/// <summary>The server broke a rule.</summary>
public sealed class RuleViolationException(RuleViolation violation) : Exception(violation.ToString())
{
    public RuleViolation Violation { get; } = violation;
}
