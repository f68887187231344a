using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>Messages to the kernel that answer no request. From any thread.</summary>
/// <remarks>The kernel may wait for locks of the inode or of its pages, which a request being handled may hold: call
/// with no lock held, and not from a handler about the node or directory its request is about. Every call returns
/// what the kernel said; NoEntry: it had nothing cached; NotConnected: not mounted yet or any more.</remarks>
public sealed unsafe class FuseNotifier
{
    private readonly IFuseTransport _transport;

    internal FuseNotifier(IFuseTransport transport) => _transport = transport;

    /// <summary>Drops cached attributes and pages, dirty pages written back first.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="offset">First byte; negative for attributes only.</param>
    /// <param name="lengthBytes">0: up to the end.</param>
    public Errno InvalidateInode(ulong nodeId, long offset, long lengthBytes)
    {
        var body = new NotifyInvalidateInode { NodeId = nodeId, Offset = offset, Length = lengthBytes };
        return Send(NotifyCode.InvalidateInode, AsBytes(in body), default);
    }

    /// <summary>Drops a cached name, positive or negative.</summary>
    /// <param name="parent">Node id of the directory.</param>
    /// <param name="name">The name.</param>
    /// <param name="expireOnly">Look it up again at the next use instead of dropping it; needs
    /// <see cref="InitFlags.ExpireOnly"/>.</param>
    public Errno InvalidateEntry(ulong parent, ReadOnlySpan<byte> name, bool expireOnly = false)
    {
        var body = new NotifyInvalidateEntry
        {
            Parent = parent,
            NameLength = (uint)name.Length,
            Flags = expireOnly ? NotifyInvalidateEntry.ExpireOnly : 0,
        };
        return SendName(NotifyCode.InvalidateEntry, AsBytes(in body), name);
    }

    /// <summary>Tells that a name was removed behind the kernel's back; watchers see a deletion.</summary>
    public Errno Delete(ulong parent, ulong child, ReadOnlySpan<byte> name)
    {
        var body = new NotifyDelete { Parent = parent, Child = child, NameLength = (uint)name.Length };
        return SendName(NotifyCode.Delete, AsBytes(in body), name);
    }

    /// <summary>Puts data into the page cache.</summary>
    public Errno Store(ulong nodeId, ulong offset, ReadOnlySpan<byte> data)
    {
        var body = new NotifyStore { NodeId = nodeId, Offset = offset, Size = (uint)data.Length };
        return Send(NotifyCode.Store, AsBytes(in body), data);
    }

    /// <summary>Asks for all unanswered requests again; needs <see cref="InitFlags.Resend"/>.</summary>
    public Errno Resend() => Send(NotifyCode.Resend, default, default);

    /// <summary>Makes every cached name due for a new lookup. Since protocol 7.44.</summary>
    public Errno IncrementEpoch() => Send(NotifyCode.IncrementEpoch, default, default);

    /// <summary>Asks the kernel to forget nodes nobody uses. Since protocol 7.45.</summary>
    public Errno Prune(ReadOnlySpan<ulong> nodeIds)
    {
        var body = new NotifyPrune { Count = (uint)nodeIds.Length };
        return Send(NotifyCode.Prune, AsBytes(in body), MemoryMarshal.AsBytes(nodeIds));
    }

    /// <summary>Sends a notification of any code: for extensions of the protocol.</summary>
    public Errno Send(NotifyCode code, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data)
    {
        var header = new OutHeader
        {
            Length = (uint)(ReplyBuffer.HeaderBytes + body.Length + data.Length),
            Error = (int)code,
        };
        fixed (byte* bodyStart = body)
        fixed (byte* dataStart = data)
        {
            IoVector* pieces = stackalloc IoVector[3];
            int count = 0;
            pieces[count++] = new IoVector { Base = &header, Length = ReplyBuffer.HeaderBytes };
            if (!body.IsEmpty)
            {
                pieces[count++] = new IoVector { Base = bodyStart, Length = (nuint)body.Length };
            }
            if (!data.IsEmpty)
            {
                pieces[count++] = new IoVector { Base = dataStart, Length = (nuint)data.Length };
            }
            try
            {
                return _transport.WriteVectors(new ReadOnlySpan<IoVector>(pieces, count));
            }
            catch (ObjectDisposedException)
            {
                return Errno.NotConnected;
            }
        }
    }

    private Errno SendName(NotifyCode code, ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        const int longestName = 1024;
        if (name.IsEmpty || name.Length > longestName)
        {
            return Errno.NameTooLong;
        }
        Span<byte> terminated = stackalloc byte[longestName + 1];
        name.CopyTo(terminated);
        terminated[name.Length] = 0;
        return Send(code, body, terminated[..(name.Length + 1)]);
    }

    private static ReadOnlySpan<byte> AsBytes<T>(in T value) where T : unmanaged
        => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
}
