using System.Buffers.Binary;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting.Service;

/// <summary>Messages over the socket of a mount service, in both directions. The other side is a program that the service
/// does not trust with more than its mount: every message is checked.</summary>
internal sealed class ServiceChannel(FileDescriptor socket) : IDisposable
{
    /// <summary>A FILE with the longest path.</summary>
    private const int LongestMessage = 8 + 4096;

    private const int WordBytes = 4;

    /// <summary>Sends a tag, words, and where it is not null a string with its zero byte.</summary>
    /// <exception cref="FuseException">The helper is gone.</exception>
    public void Send(ServiceTag tag, ReadOnlySpan<uint> words, string? text = null)
    {
        int textBytes = text is null ? 0 : Encoding.UTF8.GetByteCount(text) + 1;
        byte[] message = new byte[WordBytes + (words.Length * WordBytes) + textBytes];
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)tag);
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(WordBytes * (i + 1)), words[i]);
        }
        if (text is not null)
        {
            Encoding.UTF8.GetBytes(text, message.AsSpan(message.Length - textBytes));
        }
        Errno error = LibC.SendPacket(socket, message);
        if (error != Errno.Ok)
        {
            throw new FuseException(error, $"the mount helper does not listen: {error}");
        }
    }

    /// <summary>Sends a command that is answered by a REPL.</summary>
    /// <returns>What the helper answers.</returns>
    /// <exception cref="FuseException">It is gone, or answers with something else.</exception>
    public Errno Ask(ServiceTag tag, ReadOnlySpan<uint> words, string? text = null)
    {
        Send(tag, words, text);
        Span<byte> answer = stackalloc byte[2 * WordBytes];
        Receive(answer, ServiceTag.Reply, out int length, out FileDescriptor? file);
        file?.Dispose();
        return length == answer.Length
            ? (Errno)BinaryPrimitives.ReadUInt32BigEndian(answer[WordBytes..])
            : throw Malformed(ServiceTag.Reply);
    }

    /// <summary>Receives a FILE for a path.</summary>
    /// <returns>What the helper says: Ok with a descriptor, or why it has none.</returns>
    /// <exception cref="FuseException">It sent something else.</exception>
    public Errno ReceiveFile(string path, out FileDescriptor? file)
    {
        byte[] message = new byte[LongestMessage];
        Receive(message, ServiceTag.File, out int length, out file);
        const int headerBytes = 2 * WordBytes;
        byte[] expected = Encoding.UTF8.GetBytes(path + '\0');
        Errno error = Errno.Invalid;
        bool isWhole = length == headerBytes + expected.Length
            && message.AsSpan(headerBytes, expected.Length).SequenceEqual(expected);
        if (isWhole)
        {
            error = (Errno)BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(WordBytes));
        }
        if (!isWhole || (error == Errno.Ok) != (file is not null))
        {
            file?.Dispose();
            throw Malformed(ServiceTag.File);
        }
        return error;
    }

    /// <summary>Receives a message of a known kind.</summary>
    /// <exception cref="FuseException">It is another one.</exception>
    public void Receive(Span<byte> message, ServiceTag tag, out int length, out FileDescriptor? file)
    {
        Errno error = LibC.ReceivePacket(socket, message, out length, out file);
        if (error == Errno.Ok && length >= WordBytes && BinaryPrimitives.ReadUInt32BigEndian(message) == (uint)tag)
        {
            return;
        }
        file?.Dispose();
        throw error == Errno.Ok && length == 0
            ? new FuseException(Errno.NotConnected, "the mount helper is gone")
            : Malformed(tag);
    }

    /// <summary>No more descriptors are wanted.</summary>
    public void RefuseDescriptors() => LibC.RefuseDescriptors(socket);

    public void Dispose() => socket.Dispose();

    private static FuseException Malformed(ServiceTag tag) =>
        new(Errno.BadMessage, $"the mount helper sent no proper {tag} message");
}
