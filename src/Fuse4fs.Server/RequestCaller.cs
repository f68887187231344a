using System.Globalization;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server;

/// <summary>Who sent a request. On a mount that may be id-mapped the kernel names callers only where something is created,
/// for the ids would be those of the wrong side of the map; who asks for the reserve or for an administrator's command is
/// then looked up by the process.</summary>
/// <remarks>Kernel: fuse_fill_creds, FUSE_INVALID_UIDGID.</remarks>
internal static class RequestCaller
{
    /// <summary>The user number of a request that names nobody.</summary>
    public const uint Unnamed = uint.MaxValue;

    /// <summary>Whether a request's answer depends on who sent it.</summary>
    public static bool Matters(Opcode opcode) => opcode is Opcode.Open or Opcode.IoControl or Opcode.SetAttributes
        or Opcode.Fallocate or Opcode.CopyFileRange or Opcode.CopyFileRange64 or Opcode.SetXattr or Opcode.RemoveXattr
        or Opcode.ListXattr or Opcode.Rename or Opcode.Rename2;

    /// <summary>The header with the ids its process has for file systems; without a process (write-back) or when it has
    /// ended, nobody's.</summary>
    public static InHeader Named(in InHeader header)
    {
        InHeader named = header;
        foreach (string line in StatusOf(header.Pid))
        {
            // Real, effective, saved, for file systems.
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
            {
                named.Uid = Number(line.AsSpan(line.LastIndexOf('\t') + 1));
            }
            else if (line.StartsWith("Gid:", StringComparison.Ordinal))
            {
                named.Gid = Number(line.AsSpan(line.LastIndexOf('\t') + 1));
            }
        }
        return named;
    }

    /// <summary>Whether the caller is of a group, by its own or by a supplementary one, which requests do not name.
    /// </summary>
    public static bool IsOfGroup(in InHeader header, uint group)
    {
        const string groups = "Groups:";
        if (header.Gid == group)
        {
            return true;
        }
        foreach (string line in StatusOf(header.Pid))
        {
            if (line.StartsWith(groups, StringComparison.Ordinal))
            {
                return line[groups.Length..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                    .Any(word => Number(word) == group);
            }
        }
        return false;
    }

    private static string[] StatusOf(uint process)
    {
        try
        {
            return process == 0 ? []
                : File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is none of ours: nobody.
            return [];
        }
    }

    private static uint Number(ReadOnlySpan<char> text) =>
        uint.TryParse(text, CultureInfo.InvariantCulture, out uint number) ? number : Unnamed;
}
