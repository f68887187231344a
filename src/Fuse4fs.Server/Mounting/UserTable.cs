using System.Text;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>/run/mount/utab, in which mount(8) and its helpers keep what the kernel's table has no room for. A line with
/// helper=fuse4fs has umount(8) start umount.fuse4fs, which waits until the image is let go; without the line it asks
/// the kernel for the type of an absolute path, hears just "fuse", and does not wait. Only root can write it, and
/// nothing fails when it cannot be written.</summary>
public static class UserTable
{
    private const string Folder = "/run/mount";
    private const string Table = Folder + "/utab";
    private const string Lock = Table + ".lock";
    private const string Mark = "helper=fuse4fs";
    private const int MostLines = 1000;

    /// <summary>Adds the line of a mount that was just made. Lines of mounts that ended without umount stay, for mounts of
    /// other mount namespaces, which share the table, cannot be told from them; they do no harm, and are bounded.
    /// </summary>
    /// <param name="place">The mount point as the mount table spells it.</param>
    public static void Add(string place)
    {
        if (LibC.GetEffectiveUid() == 0 && MountTable.Find(place) is { } mount)
        {
            string line = $"SRC={Mangle(mount.Source)} TARGET={Mangle(place)} ROOT=/ OPTS={Mark}";
            Rewrite(lines =>
            {
                string[] others = [.. lines.Where(other => !IsOurs(other) || TargetOf(other) != Mangle(place))];
                int surplus = others.Count(IsOurs) - MostLines + 1;
                return [.. others.Where(other => !IsOurs(other) || surplus-- <= 0), line];
            });
        }
    }

    /// <summary>Takes out the line of a mount that is gone.</summary>
    public static void Remove(string place)
    {
        if (LibC.GetEffectiveUid() == 0 && File.Exists(Table))
        {
            Rewrite(lines => [.. lines.Where(line => !IsOurs(line) || TargetOf(line) != Mangle(place))]);
        }
    }

    private static void Rewrite(Func<string[], string[]> change)
    {
        const int ownerWrites = 0x1A4; // 0644
        try
        {
            Directory.CreateDirectory(Folder);
            using FileDescriptor gate = LibC.Open(Lock, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.CloseOnExec,
                ownerWrites);
            if (gate.IsInvalid || LibC.Lock(gate, LibC.LockExclusive) != 0)
            {
                return;
            }
            string[] before = File.Exists(Table) ? File.ReadAllLines(Table) : [];
            string[] after = change(before);
            if (after.AsSpan().SequenceEqual(before))
            {
                return;
            }
            string draft = $"{Table}.{Environment.ProcessId}";
            File.WriteAllText(draft, string.Concat(after.Select(static line => line + "\n")));
            File.Move(draft, Table, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Root of a user namespace, or a container without /run: umount(8) then does not wait, as the README says.
        }
    }

    private static bool IsOurs(string line) => line.Split(' ').Contains("OPTS=" + Mark);

    private static string? TargetOf(string line)
    {
        const string key = "TARGET=";
        return line.Split(' ').FirstOrDefault(static word => word.StartsWith(key, StringComparison.Ordinal))?[key.Length..];
    }

    /// <summary>As in the mount table: blanks and backslashes as a backslash and three octal digits.</summary>
    private static string Mangle(string text)
    {
        var mangled = new StringBuilder(text.Length);
        foreach (char letter in text)
        {
            mangled.Append(letter switch
            {
                ' ' => "\\040",
                '\t' => "\\011",
                '\n' => "\\012",
                '\\' => "\\134",
                _ => letter.ToString(),
            });
        }
        return mangled.ToString();
    }
}
