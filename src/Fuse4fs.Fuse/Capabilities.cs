using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>What INIT agreed on.</summary>
public sealed class Capabilities
{
    /// <summary>FUSE_KERNEL_VERSION.</summary>
    public const uint Major = 7;

    /// <summary>Newest minor version we know.</summary>
    public const uint NewestMinor = 45;

    /// <summary>What kernels with block mappings call themselves, whatever their revision.</summary>
    public const uint IomapMinor = 99;

    /// <summary>Oldest minor version we serve (Linux 5.4).</summary>
    public const uint OldestMinor = 31;

    /// <summary>The kernel owns data and attributes then: it masks modes and inherits ACLs by itself, except in the root,
    /// where with DontMask it would do neither; it strips set-id bits where it truncates, but not where it has an open
    /// truncate; there are no data requests to speak of.</summary>
    private const InitFlags UnfitForIomap = InitFlags.DontMask | InitFlags.AtomicTruncateOnOpen
        | InitFlags.WriteBackCache | InitFlags.OverIoUring | InitFlags.Passthrough | InitFlags.Submounts | InitFlags.InodeDax;

    private const int PageBytes = 4096;
    private const int PagesWithoutMaxPages = 32;

    private Capabilities(uint minor, InitFlags offered, InitFlags flags, int maxWriteBytes, uint maxReadAheadBytes)
    {
        Minor = minor;
        Offered = offered;
        Flags = flags;
        MaxWriteBytes = maxWriteBytes;
        MaxReadAheadBytes = maxReadAheadBytes;
    }

    /// <summary>Minor version spoken.</summary>
    public uint Minor { get; }

    /// <summary>All the kernel can do.</summary>
    public InitFlags Offered { get; }

    /// <summary>What is in force.</summary>
    public InitFlags Flags { get; }

    /// <summary>Most data of one WRITE or READ, bytes.</summary>
    public int MaxWriteBytes { get; }

    /// <summary>Read-ahead, bytes.</summary>
    public uint MaxReadAheadBytes { get; }

    /// <summary>Block mappings, when they are in force.</summary>
    public IomapConnection? Iomap { get; internal set; }

    /// <summary>Whether all of these are in force.</summary>
    public bool Has(InitFlags flags) => (Flags & flags) == flags;

    /// <summary>Finds what both sides can do.</summary>
    /// <param name="kernel">The INIT request; <see cref="InitIn.Minor"/> at least <see cref="OldestMinor"/>.</param>
    /// <param name="wanted">The file system's wishes.</param>
    /// <param name="reply">The answer to send.</param>
    public static Capabilities Negotiate(in InitIn kernel, CapabilityRequest wanted, out InitOut reply)
    {
        InitFlags offered = (InitFlags)kernel.Flags;
        if (offered.HasFlag(InitFlags.InitExtended))
        {
            offered |= (InitFlags)((ulong)kernel.Flags2 << 32);
        }
        InitFlags flags = WithoutUnmetNeeds(offered & (wanted.Flags | InitFlags.InitExtended), kernel.Minor);
        int most = flags.HasFlag(InitFlags.MaxPages) ? ushort.MaxValue * PageBytes : PagesWithoutMaxPages * PageBytes;
        int maxWrite = Math.Clamp(wanted.MaxWriteBytes / PageBytes * PageBytes, PageBytes, most);
        var agreed = new Capabilities(
            flags.HasFlag(InitFlags.Iomap) ? IomapMinor : Math.Min(kernel.Minor, NewestMinor),
            offered,
            flags,
            maxWrite,
            Math.Min(kernel.MaxReadAhead, wanted.MaxReadAheadBytes));
        reply = agreed.ToReply(wanted);
        return agreed;
    }

    private InitOut ToReply(CapabilityRequest wanted) => new()
    {
        Major = Major,
        Minor = Minor,
        MaxReadAhead = MaxReadAheadBytes,
        Flags = (uint)Flags,
        Flags2 = (uint)((ulong)Flags >> 32),
        MaxBackground = wanted.MaxBackground,
        CongestionThreshold = wanted.CongestionThreshold,
        MaxWrite = (uint)MaxWriteBytes,
        TimeGranularity = wanted.TimeGranularityNanoseconds,
        MaxPages = (ushort)(Has(InitFlags.MaxPages) ? MaxWriteBytes / PageBytes : 0),
        RequestTimeout = Has(InitFlags.RequestTimeout) ? wanted.RequestTimeoutSeconds : (ushort)0,
    };

    /// <summary>Flags that mean nothing, or harm, without another one.</summary>
    private static InitFlags WithoutUnmetNeeds(InitFlags flags, uint minor)
    {
        if (minor != IomapMinor)
        {
            flags &= ~InitFlags.Iomap;
        }
        if (flags.HasFlag(InitFlags.Iomap))
        {
            flags &= ~UnfitForIomap;
        }
        if (!flags.HasFlag(InitFlags.ReadDirectoryPlus))
        {
            flags &= ~InitFlags.ReadDirectoryPlusAuto;
        }
        if (flags.HasFlag(InitFlags.HandleKillPrivilegesV2))
        {
            flags &= ~InitFlags.HandleKillPrivileges;
        }
        if ((flags & (InitFlags.PosixAcl | InitFlags.DontMask | InitFlags.Iomap)) == InitFlags.PosixAcl)
        {
            // The kernel would apply the umask although the directory has a default ACL.
            flags &= ~InitFlags.PosixAcl;
        }
        return flags;
    }
}
