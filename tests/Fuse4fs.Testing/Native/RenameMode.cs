namespace Fuse4fs.Testing.Native;

/// <summary>RENAME_*.</summary>
[Flags]
public enum RenameMode
{
    /// <summary>An existing target is replaced.</summary>
    Replace = 0,

    /// <summary>RENAME_NOREPLACE.</summary>
    NoReplace = 1,

    /// <summary>RENAME_EXCHANGE.</summary>
    Exchange = 2,

    /// <summary>RENAME_WHITEOUT.</summary>
    Whiteout = 4,
}
