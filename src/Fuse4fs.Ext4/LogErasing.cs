namespace Fuse4fs.Ext4;

/// <summary>What becomes of the log's blocks when everything in them is at home.</summary>
public enum LogErasing
{
    /// <summary>They stay as they are.</summary>
    None,

    /// <summary>They are zeroed.</summary>
    Zero,

    /// <summary>The device is told that they are not used.</summary>
    Discard,
}
