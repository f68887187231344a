using System.Globalization;

namespace Fuse4fs.Testing;

/// <summary>Unmounts, detaches and deletes what tests left behind: only below directories of
/// <see cref="TemporaryDirectory"/>, and of other processes only when they are dead.</summary>
internal static class Leftovers
{
    /// <summary>Removes the directories of processes that no longer exist.</summary>
    public static void SweepDeadProcesses()
    {
        foreach (string directory in Find("*"))
        {
            string owner = Path.GetFileName(directory)[TemporaryDirectory.Prefix.Length..].Split('.')[0];
            if (int.TryParse(owner, CultureInfo.InvariantCulture, out int process) && !Directory.Exists($"/proc/{process}"))
            {
                Remove(directory);
            }
        }
    }

    /// <summary>Removes the directories of one process.</summary>
    public static void SweepProcess(int process)
    {
        foreach (string directory in Find(string.Create(CultureInfo.InvariantCulture, $"{process}.*")))
        {
            Remove(directory);
        }
    }

    /// <summary>Unmounts everything below a directory, detaches loop devices of files in it, deletes it.</summary>
    public static void Remove(string directory)
    {
        foreach (string mountPoint in MountsBelow(directory))
        {
            if (Tool.Run("umount", mountPoint).ExitCode != 0)
            {
                Tool.Run("umount", "--lazy", mountPoint);
            }
        }
        foreach (string loop in LoopsOf(directory))
        {
            Tool.Run("losetup", "--detach", loop);
        }
        if (Directory.Exists(directory))
        {
            Tool.Run("rm", "-rf", "--one-file-system", directory);
        }
    }

    private static string[] Find(string rest) => Directory.Exists(TemporaryDirectory.Root)
        ? Directory.GetDirectories(TemporaryDirectory.Root, TemporaryDirectory.Prefix + rest)
        : [];

    /// <summary>Deepest first. /proc/self/mountinfo escapes blanks; our own names have none.</summary>
    private static string[] MountsBelow(string directory) =>
    [
        .. File.ReadLines("/proc/self/mountinfo")
            .Select(line => line.Split(' ')[4])
            .Where(point => point.StartsWith(directory + "/", StringComparison.Ordinal) || point == directory)
            .Reverse(),
    ];

    private static List<string> LoopsOf(string directory)
    {
        var loops = new List<string>();
        foreach (string block in Directory.GetDirectories("/sys/block", "loop*"))
        {
            string backing = Path.Combine(block, "loop", "backing_file");
            try
            {
                if (File.Exists(backing)
                    && File.ReadAllText(backing).StartsWith(directory + "/", StringComparison.Ordinal))
                {
                    loops.Add("/dev/" + Path.GetFileName(block));
                }
            }
            catch (IOException)
            {
                // Detached between the two looks: nothing is left of it.
            }
        }
        return loops;
    }
}
