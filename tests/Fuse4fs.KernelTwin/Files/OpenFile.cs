using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>struct file: one OPEN, shared by duplicated descriptors and mappings.</summary>
internal sealed class OpenFile(Inode inode, ulong handle, uint flags, OpenReplyFlags reply)
{
    public Inode Inode { get; } = inode;

    /// <summary>fh of the server.</summary>
    public ulong Handle { get; } = handle;

    /// <summary>O_*.</summary>
    public uint Flags { get; } = flags;

    public OpenReplyFlags Reply { get; } = reply;

    public ReadWindow Window { get; } = new();

    /// <summary>Descriptors and mappings.</summary>
    public int References { get; set; } = 1;

    /// <summary>File position.</summary>
    public long Position { get; set; }

    /// <summary>Write-back errors that were reported through it, or happened before.</summary>
    public int SeenErrors { get; set; } = inode.WriteErrors;

    public bool IsDirect => (Flags & OpenFlags.Direct) != 0 || (Reply & OpenReplyFlags.DirectIo) != 0;

    public bool CanRead => (Flags & OpenFlags.AccessMask) != OpenFlags.WriteOnly;

    public bool CanWrite => (Flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly;

    public bool IsSync => (Flags & OpenFlags.DataSync) != 0 || Inode.IsSync;
}
