namespace Fuse4fs.Inspecting.Output;

/// <summary>One line of a report.</summary>
/// <param name="Name">In camel case, as the JSON property.</param>
/// <param name="Title">For people.</param>
/// <param name="Value">A string, a bool, a long, a ulong, or a list of strings; null is left out.</param>
/// <param name="Text">For people where the bare value would say too little.</param>
internal readonly record struct Fact(string Name, string Title, object? Value, string? Text = null);
