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
        if (header.Pid == 0)
        {
            return named;
        }
        try
        {
            foreach (string line in File.ReadLines(string.Create(CultureInfo.InvariantCulture,
                $"/proc/{header.Pid}/status")))
            {
                // Real, effective, saved, for file systems.
                if (line.StartsWith("Uid:", StringComparison.Ordinal))
                {
                    named.Uid = LastNumber(line);
                }
                else if (line.StartsWith("Gid:", StringComparison.Ordinal))
                {
                    named.Gid = LastNumber(line);
                    break;
                }
            }
        }
        catch (IOException)
        {
            // The process has ended: nobody.
        }
        return named;
    }

    private static uint LastNumber(string line) =>
        uint.TryParse(line.AsSpan(line.LastIndexOf('\t') + 1), CultureInfo.InvariantCulture, out uint number)
            ? number
            : Unnamed;
}
