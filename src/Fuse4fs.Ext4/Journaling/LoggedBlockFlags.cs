namespace Fuse4fs.Ext4.Journaling;

/// <summary>t_flags of a block tag. Docs: ext4/journal, "Descriptor Block".</summary>
[Flags]
internal enum LoggedBlockFlags : uint
{
    None = 0,

    /// <summary>The block began with the journal's magic number; the copy in the log has zeros there.</summary>
    Escaped = 1,

    /// <summary>No UUID follows the tag.</summary>
    SameUuid = 2,
    Deleted = 4,
    Last = 8,
}
