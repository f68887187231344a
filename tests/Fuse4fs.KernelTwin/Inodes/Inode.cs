using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Scheduling;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>An inode in the kernel's cache.</summary>
internal sealed class Inode(ulong nodeId, PageCache pages)
{
    public const uint TypeMask = 0xF000;
    public const uint TypeDirectory = 0x4000;
    public const uint TypeRegular = 0x8000;
    public const uint TypeLink = 0xA000;

    public ulong NodeId { get; } = nodeId;

    public ulong Generation { get; set; }

    /// <summary>attr.ino as the server last reported it; 0: not yet.</summary>
    public ulong AttrIno { get; set; }

    public AttributeFlags Flags { get; set; }

    public uint Mode { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public uint Nlink { get; set; }

    public uint Rdev { get; set; }

    public ulong Blocks { get; set; }

    public uint BlockSize { get; set; }

    /// <summary>In-core EOF.</summary>
    public long Size { get; set; }

    /// <summary>What the kernel believes the server has persisted.</summary>
    public long DiskSize { get; set; }

    public Timestamp Atime { get; set; }

    public Timestamp Mtime { get; set; }

    public Timestamp Ctime { get; set; }

    /// <summary>atime as stat shows it: the last reply's, until it moves in the kernel.</summary>
    public Timestamp ReportedAtime { get; set; }

    public bool TimesAreDirty { get; set; }

    public bool AttributesAreValid { get; set; }

    public bool IsRegular => (Mode & TypeMask) == TypeRegular;

    public bool IsDirectory => (Mode & TypeMask) == TypeDirectory;

    /// <summary>File data goes through iomap: a regular file with EXCLUSIVE and IOMAP.</summary>
    public bool IsIomap { get; set; }

    public bool IsExclusive { get; set; }

    public bool IsImmutable => IsExclusive && (Flags & AttributeFlags.Immutable) != 0;

    public bool IsAppendOnly => IsExclusive && (Flags & AttributeFlags.Append) != 0;

    public bool IsSync => IsExclusive && (Flags & AttributeFlags.Sync) != 0;

    /// <summary>What FORGET gives back.</summary>
    public ulong Lookups { get; set; }

    public int Opens { get; set; }

    public int Maps { get; set; }

    /// <summary>Only the references of open files keep it: its last link is gone.</summary>
    public bool IsUnlinked { get; set; }

    public bool IsBad { get; set; }

    /// <summary>Neither suid nor a capability to strip, as far as is known.</summary>
    public bool HasNothingToStrip { get; set; }

    public PageCache Pages { get; } = pages;

    /// <summary>Null before the first successful upsert.</summary>
    public MappingCache? Mappings { get; set; }

    public SharedLock Lock { get; } = new();

    public SharedLock InvalidateLock { get; } = new();

    /// <summary>Runs of write-back whose IOEND is not over.</summary>
    public Countdown Ioends { get; } = new();

    /// <summary>Direct I/O under way.</summary>
    public Countdown DirectIo { get; } = new();

    /// <summary>Walks that hold a mapping.</summary>
    public int Walks { get; set; }

    /// <summary>Write-back errors so far, and the last of them.</summary>
    public int WriteErrors { get; set; }

    public Errno LastWriteError { get; set; }

    public bool IsSwapFile { get; set; }

    public Dictionary<string, Dentry> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>ACLs that were asked for; an empty value: there is none.</summary>
    public Dictionary<string, byte[]> Acls { get; } = new(StringComparer.Ordinal);

    /// <summary>What the server has been told, for the rules.</summary>
    public Told Told { get; } = new();

    /// <summary>Called after everything that changes data or allocation: the server knows better how many blocks there
    /// are.</summary>
    public void BlocksAreStale() => AttributesAreValid = false;

    public void Fail(Errno error)
    {
        WriteErrors++;
        LastWriteError = error;
        Told.LostData = true;
    }
}
