namespace Fuse4fs.Ext4.Delegation;

/// <summary>What whoever moves a file's data himself wants to know its place for.</summary>
public enum MappingUse
{
    /// <summary>Reading into a cache. Space that is only reserved reads as zeros.</summary>
    Read,

    /// <summary>Reading past the cache: what was dirty has been written before, so nothing is only reserved.</summary>
    DirectRead,

    /// <summary>Showing it: nothing changes.</summary>
    Report,

    /// <summary>Swapping: from the first answer on the file must keep its blocks.</summary>
    Swap,

    /// <summary>Zeroing parts of what is there: holes stay holes.</summary>
    Zero,

    /// <summary>Writing into a cache: holes get space reserved.</summary>
    Write,

    /// <summary>As <see cref="Write"/>, of a page that was mapped into memory.</summary>
    Fault,

    /// <summary>Writing past the cache: holes get blocks, unwritten.</summary>
    DirectWrite,

    /// <summary>Writing out what was written into the cache: what was reserved gets its blocks.</summary>
    WriteBack,
}
