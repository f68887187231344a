using System.Globalization;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Owners, modes, times and flags.</summary>
internal static class AttributeFiller
{
    private const int NotSupported = 95;
    private const uint SetFlags = 0x40086602;

    /// <summary>1901 (the first second), around 1970 and 2038, 2106, and 2446 (the last second).</summary>
    private static readonly long[] s_seconds =
    [
        -2_147_483_648, -1, 0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_295, 4_294_967_296, 15_032_385_535,
    ];

    private static readonly uint[] s_modes = [0, 0x1FF, 0x9ED, 0x5ED, 0xDED, 0x2FF, 0x124, 0xFFF];

    private static readonly uint[] s_owners = [0, 1000, 65_534, 65_535, 65_536, 4_000_000_000, 4_294_967_294];

    public static void Fill(FillTarget target)
    {
        foreach (uint owner in s_owners)
        {
            HostPath path = target.File(string.Create(CultureInfo.InvariantCulture, $"owner-{owner}"), 10);
            FillTarget.Require(Posix.ChangeOwner(path, owner, owner ^ 1), "lchown", path);
        }
        foreach (uint mode in s_modes)
        {
            HostPath file = target.File($"mode-{Convert.ToString(mode, 8)}", 10);
            FillTarget.Require(Posix.ChangeMode(file, mode), "chmod", file);
            FillTarget directory = target.Subdirectory($"directory-{Convert.ToString(mode, 8)}");
            FillTarget.Require(Posix.ChangeMode(directory.Root, mode), "chmod", directory.Root);
        }
        if (!target.IsStaging)
        {
            FillFlags(target.Subdirectory("flags"));
        }
        foreach (long seconds in s_seconds)
        {
            foreach (uint nanoseconds in new uint[] { 0, 1, 999_999_999 })
            {
                HostPath path = target.File(string.Create(CultureInfo.InvariantCulture, $"time-{seconds}-{nanoseconds}"), 10);
                FillTarget.Require(Posix.ChangeTimes(path, new HostTime(seconds, 999_999_999 - nanoseconds),
                    new HostTime(seconds, nanoseconds)), "utimensat", path);
            }
        }
    }

    /// <summary>FS_*_FL: secure delete, undelete, sync, immutable, append, nodump, noatime, dirsync, topdir.</summary>
    private static void FillFlags(FillTarget target)
    {
        foreach (long flag in new long[] { 0x1, 0x2, 0x8, 0x10, 0x20, 0x40, 0x80, 0x10000, 0x20000 })
        {
            bool isForDirectories = flag >= 0x10000;
            string name = string.Create(CultureInfo.InvariantCulture, $"flag-{flag:X}");
            HostPath path = isForDirectories ? target.Subdirectory(name).Root : target.File(name, 100);
            int descriptor = Posix.Open(path, OpenMode.Read);
            const uint getFlags = 0x80086601;
            long flags = 0;
            FillTarget.Require(Posix.Control(descriptor, getFlags, ref flags), "FS_IOC_GETFLAGS", path);
            flags |= flag;
            FillTarget.Require(Posix.Control(descriptor, SetFlags, ref flags), "FS_IOC_SETFLAGS", path, NotSupported);
            Posix.Close(descriptor);
        }
    }
}
