namespace Fuse4fs.Ext4.Files;

/// <summary>What lseek(2) looks for.</summary>
public enum SeekKind
{
    /// <summary>SEEK_DATA: the next byte that is not in a hole.</summary>
    Data,

    /// <summary>SEEK_HOLE: the next byte in a hole; the end of the file counts as one.</summary>
    Hole,
}
