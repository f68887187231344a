using System.Runtime.ExceptionServices;

namespace Fuse4fs.Testing;

/// <summary>For tests whose failure would be that they never end: threads that wait for each other hold what disposing
/// waits for, too. Patience, not a measurement.</summary>
public static class Deadline
{
    /// <summary>Runs a test in a thread of its own.</summary>
    /// <param name="patience">Many times what it takes on a busy machine.</param>
    /// <param name="test">Is left behind, where it waits, when it does not end.</param>
    /// <param name="whatNow">Says what was under way, should it not end.</param>
    /// <exception cref="DeadlineException">It did not end.</exception>
    public static void Run(TimeSpan patience, Action test, Func<string>? whatNow = null)
    {
        ArgumentNullException.ThrowIfNull(test);
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                test();
            }
            catch (Exception caught)
            {
                failure = ExceptionDispatchInfo.Capture(caught);
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        if (!thread.Join(patience))
        {
            throw new DeadlineException($"no end after {patience.TotalSeconds} seconds: "
                + (whatNow?.Invoke() ?? "threads wait for each other"));
        }
        failure?.Throw();
    }
}
