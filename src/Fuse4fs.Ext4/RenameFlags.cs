namespace Fuse4fs.Ext4;

/// <summary>How to rename: RENAME_* of renameat2(2).</summary>
[Flags]
public enum RenameFlags : uint
{
    None = 0,

    /// <summary>The new name must not exist.</summary>
    NoReplace = 1,

    /// <summary>Both names exist and swap what they refer to.</summary>
    Exchange = 2,

    /// <summary>The old name becomes a whiteout: a character device 0, 0.</summary>
    Whiteout = 4,
}
