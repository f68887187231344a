using System.Text.RegularExpressions;

namespace Fuse4fs.Testing;

/// <summary>e2fsck as the judge of what we wrote.</summary>
public static class E2fsck
{
    /// <summary>e2fsck -fn finds nothing to complain about.</summary>
    /// <exception cref="OracleException">It complained; the message carries its words.</exception>
    public static void AssertClean(string image, string? journal = null)
    {
        string[] external = journal is null ? [] : ["-j", journal];
        ToolResult result = Tool.Run("e2fsck", ["-f", "-n", .. external, image]);
        if (result.ExitCode != 0)
        {
            Keep(image);
            throw new OracleException($"e2fsck -fn {image}: {result}");
        }
    }

    /// <summary>Repairs as an administrator would after a crash (-fy), then insists that nothing is left.</summary>
    /// <returns>What the repairing run said.</returns>
    /// <exception cref="OracleException">It could not repair, or repaired more than a crash explains.</exception>
    public static string RecoverAfterCrash(string image)
    {
        ToolResult result = Tool.Run("e2fsck", "-f", "-y", image);
        if (result.ExitCode is not 0 and not 1)
        {
            throw new OracleException($"e2fsck -fy {image}: {result}");
        }
        foreach (string line in result.Output.Split('\n'))
        {
            if (!IsExplainedByCrash(line) && !IsBlockOfSymlink(line, result.Output)
                && !IsValueOfOrphan(line, result.Output, image))
            {
                throw new OracleException($"e2fsck -fy {image} repaired more than a crash explains: {line}\n{result}");
            }
        }
        AssertClean(image);
        return result.Output;
    }

    /// <summary>Of an orphan that is a short symlink e2fsck 1.47 forgets to free the block of attributes, and finds it in its
    /// fifth pass. Source: release_inode_blocks in e2fsck/super.c.</summary>
    private static bool IsBlockOfSymlink(string line, string output)
    {
        int symlinks = Regex.Count(output, @"^Clearing orphaned inode .* mode=0120777, size=\d\d?\)", RegexOptions.Multiline);
        bool isGroup = line.StartsWith("Free blocks count wrong for group #", StringComparison.Ordinal);
        Match blocks = Regex.Match(line, @"^Block bitmap differences: (( +-\d+)+)$");
        return symlinks > 0 && (isGroup || (blocks.Success && blocks.Groups[2].Captures.Count <= symlinks));
    }

    /// <summary>Of an orphan whose attribute's value is in an inode e2fsck 1.47 forgets that inode, and moves it to
    /// lost+found: an image made by debugfs alone shows it. Only inodes with values may be found so.</summary>
    private static bool IsValueOfOrphan(string line, string output, string image)
    {
        const int valueFlag = 0x200000;
        MatchCollection found = Regex.Matches(output, @"^Unattached inode (\d+)", RegexOptions.Multiline);
        bool isAbout = line.StartsWith("Unattached inode ", StringComparison.Ordinal)
            || line.StartsWith("Connect to /lost+found? yes", StringComparison.Ordinal)
            || found.Any(one => line.StartsWith($"Inode {one.Groups[1].Value} ref count is 2, should be 1.", StringComparison.Ordinal));
        return isAbout && found.Count > 0 && output.Contains("Clearing orphaned inode", StringComparison.Ordinal)
            && found.All(one => (Convert.ToInt32(
                Regex.Match(Debugfs.Read(image, $"stat <{one.Groups[1].Value}>"), "Flags: 0x([0-9a-f]+)").Groups[1].Value, 16)
                & valueFlag) != 0);
    }

    /// <summary>FUSE4FS_TEST_KEEP names a directory where images that are not clean are kept to be looked at.</summary>
    private static void Keep(string image)
    {
        if (Environment.GetEnvironmentVariable("FUSE4FS_TEST_KEEP") is { } directory)
        {
            Directory.CreateDirectory(directory);
            Tool.Run("cp", "--sparse=always", image, Path.Combine(directory, Path.GetRandomFileName() + ".img"));
        }
    }

    /// <summary>Replay, clearing of orphans and of the orphan file (kernel ext4's own crash images need the same), extent
    /// trees that an interrupted truncation left higher than they need be, and the global free counts, which are only
    /// written at unmount. The answer to a question is printed on the question's line.</summary>
    private static bool IsExplainedByCrash(string line)
    {
        string text = line.Contains(": ", StringComparison.Ordinal) && line.StartsWith('/')
            ? line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]
            : line;
        return text.Length == 0
            || text.StartsWith("Pass ", StringComparison.Ordinal)
            || text.StartsWith("Fix? yes", StringComparison.Ordinal)
            || text.StartsWith("Clear? yes", StringComparison.Ordinal)
            || text.StartsWith("Feature orphan_present is set but orphan file is clean", StringComparison.Ordinal)
            || text.StartsWith("recovering journal", StringComparison.Ordinal)
            || text.StartsWith("Clearing orphaned inode", StringComparison.Ordinal)
            || text.StartsWith("Truncating orphaned inode", StringComparison.Ordinal)
            || (text.StartsWith("Orphan file (inode ", StringComparison.Ordinal)
                && text.EndsWith(" is not clean.", StringComparison.Ordinal))
            || text.StartsWith("Clear? yes", StringComparison.Ordinal)
            || (text.Contains(" extent tree (at level ", StringComparison.Ordinal)
                && text.EndsWith("Optimize? yes", StringComparison.Ordinal))
            || text.StartsWith("Free blocks count wrong (", StringComparison.Ordinal)
            || text.StartsWith("Free inodes count wrong (", StringComparison.Ordinal)
            || text.StartsWith("Setting free ", StringComparison.Ordinal)
            || text.StartsWith("***** FILE SYSTEM WAS MODIFIED", StringComparison.Ordinal)
            || text.Contains(": ***** FILE SYSTEM WAS MODIFIED", StringComparison.Ordinal)
            || text.Contains(" files (", StringComparison.Ordinal);
    }
}
