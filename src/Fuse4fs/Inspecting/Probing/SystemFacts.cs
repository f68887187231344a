using System.Globalization;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting.Probing;

/// <summary>What fuse4fs probe tells. Everything is asked for, nothing guessed from version numbers.</summary>
internal static class SystemFacts
{
    private const int IomapBit = 43; // of INIT in the fuse-iomap patches; mainline 7.46 gave it to something else

    /// <summary>Asks.</summary>
    public static IReadOnlyList<FactSection> Collect()
    {
        KernelGreeting greeting = KernelGreeting.Read();
        return [Machine(), Protocol(greeting), Mounting(), Limits()];
    }

    private static FactSection Machine() => new("system", "System",
    [
        new("kernel", "kernel", Line("/proc/sys/kernel/osrelease")),
        new("architecture", "architecture", RuntimeInformation.ProcessArchitecture.ToString()),
        new("processors", "processors", (long)Environment.ProcessorCount),
        new("user", "user", Environment.UserName),
        new("pageSize", "page size", (long)Environment.SystemPageSize),
    ]);

    private static FactSection Protocol(KernelGreeting greeting)
    {
        long iomap = KernelGreeting.IomapSupport();
        bool isKnown = greeting.Refusal is null;
        object? Has(InitFlags flag) => isKnown ? greeting.Flags.HasFlag(flag) : null;
        return new FactSection("fuse", "FUSE",
        [
            new("device", "/dev/fuse", File.Exists(FuseDevice.Path)),
            new("refusal", "no trial mount because", greeting.Refusal),
            new("version", "protocol", isKnown ? $"{greeting.Major}.{greeting.Minor}" : null),
            new("maxReadAhead", "read-ahead offered", isKnown ? (long)greeting.MaximumReadAheadBytes : null),
            new("writebackCache", "write-back cache", Has(InitFlags.WriteBackCache)),
            new("posixAcl", "POSIX ACLs", Has(InitFlags.PosixAcl)),
            new("passthrough", "passthrough", Has(InitFlags.Passthrough)),
            new("ioUring", "requests over io_uring", Has(InitFlags.OverIoUring)),
            new("allowIdmap", "id-mapped mounts", Has(InitFlags.AllowIdmap)),
            new("iomap", "iomap", iomap >= 0, iomap switch
            {
                < 0 => "no (this kernel has no fuse-iomap)",
                0 => "in the kernel, not for this user or switched off (module parameter enable_iomap)",
                _ => "yes",
            }),
            new("iomapRevision", "iomap revision", greeting.IomapRevision),
            new("iomapBit", "INIT bit 43", Has((InitFlags)(1UL << IomapBit))),
            new("flags", "INIT flags", isKnown ? $"0x{(ulong)greeting.Flags:x}" : null),
        ]);
    }

    private static FactSection Mounting() => new("mounting", "Mounting",
    [
        new("fuseblk", "fuseblk", FileSystems().Contains("fuseblk")),
        new("kernelExt4", "ext4 in the kernel", FileSystems().Contains("ext4")),
        new("fusermount3", "fusermount3", Find("fusermount3")),
        new("userAllowOther", "allow_other for users", ConfigurationSays("user_allow_other")),
        new("userNamespaces", "user namespaces", Number("/proc/sys/user/max_user_namespaces")),
        new("unprivilegedNamespaces", "namespaces for users", Number("/proc/sys/kernel/unprivileged_userns_clone")),
    ]);

    private static FactSection Limits() => new("limits", "Limits",
    [
        new("maxPages", "pages per request", Number("/proc/sys/fs/fuse/max_pages_limit")),
        new("requestTimeout", "default request timeout", Number("/proc/sys/fs/fuse/default_request_timeout")),
        new("maxRequestTimeout", "largest request timeout", Number("/proc/sys/fs/fuse/max_request_timeout")),
        new("fuseIoUring", "module switch for io_uring", Line("/sys/module/fuse/parameters/enable_uring")),
        new("ioUringDisabled", "io_uring disabled", Number("/proc/sys/kernel/io_uring_disabled")),
        new("userBackgroundRequests", "background requests", Number("/sys/module/fuse/parameters/max_user_bgreq")),
        new("openFiles", "open files", Limit("Max open files")),
        new("lockedMemory", "locked memory", Limit("Max locked memory")),
    ]);

    private static HashSet<string> FileSystems() =>
        [.. File.ReadLines("/proc/filesystems").Select(line => line.Split('\t')[^1])];

    private static string? Line(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Number(string path) =>
        long.TryParse(Line(path), NumberStyles.Integer, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static string Find(string program)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(':').Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists)
            ?? "not installed";
    }

    private static bool ConfigurationSays(string word)
    {
        const string path = "/etc/fuse.conf";
        return File.Exists(path) && File.ReadLines(path).Any(line => line.Trim() == word);
    }

    /// <summary>The soft limit.</summary>
    private static string? Limit(string name)
    {
        string? line = File.ReadLines("/proc/self/limits")
            .FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line?[name.Length..].Trim().Split(' ')[0];
    }
}
