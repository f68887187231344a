namespace Fuse4fs.Testing.Native;

/// <summary>SEEK_*.</summary>
public enum SeekFrom
{
    /// <summary>SEEK_SET.</summary>
    Start = 0,

    /// <summary>SEEK_CUR.</summary>
    Current = 1,

    /// <summary>SEEK_END.</summary>
    End = 2,

    /// <summary>SEEK_DATA.</summary>
    Data = 3,

    /// <summary>SEEK_HOLE.</summary>
    Hole = 4,
}
