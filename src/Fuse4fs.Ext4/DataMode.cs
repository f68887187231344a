namespace Fuse4fs.Ext4;

/// <summary>When file data reaches the device relative to the metadata that maps it.</summary>
public enum DataMode
{
    /// <summary>Before: a crash never shows stale blocks.</summary>
    Ordered,

    /// <summary>At any time.</summary>
    WriteBack,

    /// <summary>With it, through the journal: a crash never shows a block half overwritten either, nor a change without
    /// those before it.</summary>
    Journal,
}
