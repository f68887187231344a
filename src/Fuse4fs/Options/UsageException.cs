namespace Fuse4fs.Options;

/// <summary>The command line asks for something we do not know; one line for the user, exit code 1.</summary>
internal sealed class UsageException(string message) : Exception(message);
