namespace Fuse4fs.Ext4.Directories;

/// <summary>How names are hashed in a directory index. Docs: ext4/directory, "directory hash".</summary>
/// <remarks>On disk a root names one of the first three or the last; the superblock says whether bytes count as signed
/// (s_flags), which turns the first three into the unsigned ones.</remarks>
public enum HashVersion : byte
{
    Legacy = 0,
    HalfMd4 = 1,
    Tea = 2,
    LegacyUnsigned = 3,
    HalfMd4Unsigned = 4,
    TeaUnsigned = 5,
    /// <summary>Keyed; stored in the records of directories that are both encrypted and casefolded.</summary>
    SipHash = 6,
}
