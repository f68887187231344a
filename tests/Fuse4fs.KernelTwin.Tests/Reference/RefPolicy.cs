using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>The choices a server is free to make.</summary>
public sealed record RefPolicy
{
    /// <summary>As the server of the recordings: no cache, unwritten at once, whole extents.</summary>
    public static RefPolicy Recorded { get; } = new();

    public int BlockSize { get; init; } = 4096;

    public Revision Revision { get; init; } = Revision.V8;

    /// <summary>Reserve in BEGIN(WRITE), allocate in BEGIN(WRITEBACK).</summary>
    public bool Delays { get; init; }

    /// <summary>A delayed extent is converted as a whole at its first BEGIN(WRITEBACK).</summary>
    public bool ConvertsWholeExtents { get; init; } = true;

    /// <summary>Upsert every answer before it is given.</summary>
    public bool Upserts { get; init; }

    /// <summary>Answer RETRY_CACHE after an upsert.</summary>
    public bool Retries { get; init; }

    /// <summary>Small files live in the inode.</summary>
    public bool IsInline { get; init; }

    /// <summary>Blocks allocated by one BEGIN.</summary>
    public int MostBlocks { get; init; } = int.MaxValue;

    /// <summary>Answers are cut to extents of this many blocks.</summary>
    public int MostAnsweredBlocks { get; init; } = int.MaxValue;

    public OpenReplyFlags OpenReply { get; init; } = OpenReplyFlags.KeepCache;

    public InitFlags Init { get; init; } = InitFlags.InitExtended | InitFlags.MaxPages | InitFlags.Iomap
        | InitFlags.PosixAcl | InitFlags.ParallelDirectoryOperations | InitFlags.ReaddirPlus
        | InitFlags.ReaddirPlusAuto | InitFlags.DontMask;

    public AttributeFlags FileFlags { get; init; } = AttributeFlags.Exclusive | AttributeFlags.Iomap;

    public uint CacheMaxBytes { get; init; }

    public long MaxBytes { get; init; }

    public Mischief Mischief { get; init; }

    /// <summary>Threads of its own; 0: pumped.</summary>
    public int Threads { get; init; }
}
