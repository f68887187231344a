namespace Fuse4fs.Fuse.Mounting.Service;

/// <summary>First word of every message between a mount service and the helper that called it: four ASCII letters, most
/// significant byte first, as all numbers of this protocol.</summary>
internal enum ServiceTag : uint
{
    /// <summary>SAFT, from the helper: lowest and highest version (16 bits each), flags.</summary>
    Hello = 0x53414654,

    /// <summary>LAST, to the helper: version (16 bits), zero (16 bits).</summary>
    HelloReply = 0x4c415354,

    /// <summary>FILE, from the helper: errno, path; the descriptor comes beside it.</summary>
    File = 0x46494c45,

    /// <summary>ARGS: how the memory file with the arguments begins.</summary>
    Arguments = 0x41524753,

    /// <summary>OPEN, to the helper: open flags, mode, request flags, block size, path.</summary>
    Open = 0x4f50454e,

    /// <summary>TYPE, to the helper: flags. The type's name is the helper's own.</summary>
    Type = 0x54595045,

    /// <summary>NAME, to the helper: the source in the mount table.</summary>
    Name = 0x4e414d45,

    /// <summary>MNTP, to the helper: expected file type (16 bits), zero (16 bits), mount point.</summary>
    MountPoint = 0x4d4e5450,

    /// <summary>OPTS, to the helper: the words of the FUSE file system itself.</summary>
    Options = 0x4f505453,

    /// <summary>DOIT, to the helper: MS_* flags.</summary>
    Mount = 0x444f4954,

    /// <summary>BYEE, to the helper: its exit code.</summary>
    Bye = 0x42594545,

    /// <summary>REPL, from the helper: errno.</summary>
    Reply = 0x5245504c,
}
