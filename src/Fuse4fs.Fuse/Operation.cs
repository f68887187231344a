using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>Facts about one opcode.</summary>
/// <param name="Opcode">The number.</param>
/// <param name="Name">The kernel's name without FUSE_.</param>
/// <param name="BodyBytes">Size of the structure after the header, in its oldest form.</param>
/// <param name="Names">NUL-terminated strings that follow.</param>
/// <param name="HasReply">Whether the kernel waits for an answer.</param>
public sealed record Operation(Opcode Opcode, string Name, int BodyBytes, int Names, bool HasReply)
{
    /// <summary>Fewest bytes after the header: each name has at least its NUL.</summary>
    public int MinimumBytes => BodyBytes + Names;
}
