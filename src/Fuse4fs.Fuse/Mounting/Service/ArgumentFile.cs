using System.Buffers.Binary;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting.Service;

/// <summary>The memory file in which a mount helper passes its arguments: tag ARGS, their number, a position and a length
/// for each, then the strings with their zero bytes. Big-endian. It comes from a stranger.</summary>
internal static unsafe class ArgumentFile
{
    private const int HeaderBytes = 8, EntryBytes = 8;

    /// <summary>More than exec(2) lets anybody have.</summary>
    private const int MostArguments = 1 << 16, MostTextBytes = 1 << 21;

    /// <exception cref="FuseException">It is not of that form.</exception>
    public static List<string> Read(FileDescriptor file)
    {
        byte[] header = Bytes(file, 0, HeaderBytes);
        uint count = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != (uint)ServiceTag.Arguments || count > MostArguments)
        {
            throw Malformed();
        }
        byte[] table = Bytes(file, HeaderBytes, (int)count * EntryBytes);
        var arguments = new List<string>((int)count);
        long total = 0;
        for (int i = 0; i < count; i++)
        {
            uint position = BinaryPrimitives.ReadUInt32BigEndian(table.AsSpan(i * EntryBytes));
            uint length = BinaryPrimitives.ReadUInt32BigEndian(table.AsSpan((i * EntryBytes) + 4));
            total += length;
            if (length == 0 || total > MostTextBytes)
            {
                throw Malformed();
            }
            byte[] text = Bytes(file, position, (int)length);
            if (text.AsSpan().IndexOf((byte)0) != text.Length - 1)
            {
                throw Malformed();
            }
            arguments.Add(Encoding.UTF8.GetString(text, 0, text.Length - 1));
        }
        return arguments;
    }

    private static byte[] Bytes(FileDescriptor file, long position, int length)
    {
        byte[] bytes = new byte[length];
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < length;)
            {
                nint count = LibC.PRead(file, start + done, (nuint)(length - done), position + done);
                if (count == 0 || (count < 0 && LibC.LastError != Errno.Interrupted))
                {
                    throw Malformed();
                }
                done += (int)Math.Max(count, 0);
            }
        }
        return bytes;
    }

    private static FuseException Malformed() =>
        new(Errno.BadMessage, "the arguments that the mount helper sent cannot be read");
}
