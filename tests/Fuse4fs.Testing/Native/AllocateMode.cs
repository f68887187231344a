namespace Fuse4fs.Testing.Native;

/// <summary>FALLOC_FL_*.</summary>
[Flags]
public enum AllocateMode
{
    /// <summary>Allocate and grow the file.</summary>
    Plain = 0,

    /// <summary>FALLOC_FL_KEEP_SIZE.</summary>
    KeepSize = 1,

    /// <summary>FALLOC_FL_PUNCH_HOLE, which demands KeepSize.</summary>
    PunchHole = 2,

    /// <summary>FALLOC_FL_COLLAPSE_RANGE.</summary>
    CollapseRange = 8,

    /// <summary>FALLOC_FL_ZERO_RANGE.</summary>
    ZeroRange = 16,

    /// <summary>FALLOC_FL_INSERT_RANGE.</summary>
    InsertRange = 32,
}
