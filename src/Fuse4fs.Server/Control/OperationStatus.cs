namespace Fuse4fs.Server.Control;

/// <summary>Requests of one kind.</summary>
/// <param name="Kind">The kernel's name, such as LOOKUP.</param>
/// <param name="Requests">How many.</param>
/// <param name="Errors">Of these, answered with an error; a name that does not exist counts.</param>
/// <param name="TotalMilliseconds">Time of all, from taking one up to its answer.</param>
/// <param name="MedianMicroseconds">Half took no longer.</param>
/// <param name="NinetiethMicroseconds">90 of 100 took no longer.</param>
/// <param name="NinetyNinthMicroseconds">99 of 100 took no longer.</param>
/// <param name="LongestMicroseconds">The longest.</param>
public sealed record OperationStatus(
    string Kind,
    long Requests,
    long Errors,
    double TotalMilliseconds,
    double MedianMicroseconds,
    double NinetiethMicroseconds,
    double NinetyNinthMicroseconds,
    double LongestMicroseconds);
