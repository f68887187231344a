namespace Fuse4fs.Testing;

/// <summary>What was tried did not end in time. Its threads may still be where they wait: nothing they hold can be used
/// again.</summary>
public sealed class DeadlineException(string message) : Exception(message);
