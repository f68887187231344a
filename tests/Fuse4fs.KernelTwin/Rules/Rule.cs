namespace Fuse4fs.KernelTwin.Rules;

/// <summary>Something a server must keep to.</summary>
/// <param name="Number">Section of the ABI document and its rule there, for instance "6.2/4".</param>
/// <param name="Text">The rule in a few words.</param>
public sealed record Rule(string Number, string Text);
