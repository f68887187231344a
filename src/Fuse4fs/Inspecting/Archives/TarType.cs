namespace Fuse4fs.Inspecting.Archives;

/// <summary>typeflag of a tar header.</summary>
internal enum TarType : byte
{
    Regular = (byte)'0',
    HardLink = (byte)'1',
    Symlink = (byte)'2',
    CharacterDevice = (byte)'3',
    BlockDevice = (byte)'4',
    Directory = (byte)'5',
    Fifo = (byte)'6',

    /// <summary>Extended header for the next entry.</summary>
    Extended = (byte)'x',
}
