namespace Fuse4fs.Inspecting.Output;

/// <summary>The reader of a pipe has gone: an ordinary end, as of head(1), about which nothing is said.</summary>
internal sealed class OutputClosedException() : IOException("the reader has gone");
