using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What is to be renamed. Both directories are locked exclusively while it is carried out.</summary>
internal readonly ref struct RenameRequest(
    Inode from, ReadOnlySpan<byte> oldName, Inode to, ReadOnlySpan<byte> newName, RenameFlags flags)
{
    public Inode From { get; } = from;

    public ReadOnlySpan<byte> OldName { get; } = oldName;

    public Inode To { get; } = to;

    public ReadOnlySpan<byte> NewName { get; } = newName;

    public RenameFlags Flags { get; } = flags;

    /// <summary>The child of <see cref="From"/> through which <see cref="To"/> is reached, or None.</summary>
    public InodeNumber FromChild { get; init; }

    /// <summary>The child of <see cref="To"/> through which <see cref="From"/> is reached, or None.</summary>
    public InodeNumber ToChild { get; init; }

    /// <summary>The same, with what is known of where the directories are.</summary>
    public RenameRequest Between(InodeNumber fromChild, InodeNumber toChild) =>
        new(From, OldName, To, NewName, Flags) { FromChild = fromChild, ToChild = toChild };

    public bool IsAcross => From != To;

    public bool IsExchange => (Flags & RenameFlags.Exchange) != 0;

    public bool IsWhiteout => (Flags & RenameFlags.Whiteout) != 0;
}
