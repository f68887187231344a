namespace Fuse4fs.Linux;

/// <summary>The clock by which the kernel gives times to files: what it sets itself and what we set then never contradict
/// each other, not even within a tick.</summary>
public sealed class FileClock : TimeProvider
{
    private const int NanosecondsPerDotNetTick = 100;

    private FileClock()
    {
    }

    public static FileClock Instance { get; } = new();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        (long seconds, uint nanoseconds) = LibC.FileTime();
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / NanosecondsPerDotNetTick);
    }
}
