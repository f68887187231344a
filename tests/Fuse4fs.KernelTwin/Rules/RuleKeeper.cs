namespace Fuse4fs.KernelTwin.Rules;

/// <summary>Collects what the server does wrong; in a strict twin the first one ends the test.</summary>
public sealed class RuleKeeper(bool isStrict)
{
    private readonly List<RuleViolation> _violations = [];
    private bool _thrown;

    public IReadOnlyList<RuleViolation> Violations => _violations;

    internal void Report(Rule rule, string detail) => _violations.Add(new RuleViolation(rule, detail));

    internal void Throw()
    {
        if (isStrict && !_thrown && _violations.Count > 0)
        {
            _thrown = true;
            throw new RuleViolationException(_violations[0]);
        }
    }
}
