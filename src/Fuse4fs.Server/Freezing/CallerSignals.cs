using System.Globalization;

namespace Fuse4fs.Server.Freezing;

/// <summary>What the signals of a thread that waits for us mean. The kernel tells of the first one, whatever it is, and
/// never again; most programs mean to go on behind it.</summary>
internal static class CallerSignals
{
    private const ulong Kill = 1UL << (9 - 1);

    /// <summary>SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH: who has not said what they shall do is not
    /// ended by them. signal(7).</summary>
    private const ulong Harmless = (1UL << 16) | (1UL << 17) | (1UL << 18) | (1UL << 19) | (1UL << 20) | (1UL << 21)
        | (1UL << 22) | (1UL << 27);

    /// <summary>Whether a thread is about to end. One that cannot be looked at counts as such: it is given an error that
    /// a program interrupted by a signal knows.</summary>
    /// <param name="thread">Number in our own pid namespace; 0: unknown.</param>
    public static bool IsEnding(uint thread)
    {
        if (thread == 0)
        {
            return true;
        }
        try
        {
            string[] lines = File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/status"));
            ulong pending = Mask(lines, "SigPnd:") | Mask(lines, "ShdPnd:");
            ulong dealtWith = Mask(lines, "SigBlk:") | Mask(lines, "SigIgn:") | Mask(lines, "SigCgt:") | Harmless;
            return (pending & Kill) != 0 || (pending & ~dealtWith) != 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static ulong Mask(string[] lines, string name)
    {
        string? line = Array.Find(lines, line => line.StartsWith(name, StringComparison.Ordinal));
        return ulong.TryParse(line.AsSpan(line is null ? 0 : name.Length).Trim(), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out ulong mask) ? mask : 0;
    }
}
