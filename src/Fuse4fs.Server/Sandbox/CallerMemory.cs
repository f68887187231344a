using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sandbox;

/// <summary>What an ioctl's argument points to in its caller's memory, where FUSE does not carry it: read and written where
/// that is permitted, by the helper outside where this process is sealed.</summary>
/// <param name="server">The mount.</param>
/// <param name="thread">The caller, who waits for the answer.</param>
/// <param name="command">The ioctl's.</param>
/// <param name="argument">Its argument.</param>
internal readonly struct CallerMemory(ServedVolume server, uint thread, uint command, ulong argument)
{
    /// <summary>Of a request.</summary>
    public static CallerMemory Of(ServedVolume server, in InHeader header, in IoControlIn request) =>
        new(server, header.Pid, request.Command, request.Argument);

    /// <summary>Reads a few bytes, so far behind the argument's address.</summary>
    public bool TryRead(ulong offset, Span<byte> into) => server.Outside is { } outside
        ? outside.TryRead((int)thread, command, argument, offset, into)
        : LibC.TryReadProcess((int)thread, unchecked(argument + offset), into);

    /// <summary>Writes, so far behind the argument's address.</summary>
    public bool TryWrite(ulong offset, ReadOnlySpan<byte> from) => server.Outside is { } outside
        ? outside.TryWrite((int)thread, command, argument, offset, from)
        : LibC.TryWriteProcess((int)thread, unchecked(argument + offset), from);
}
