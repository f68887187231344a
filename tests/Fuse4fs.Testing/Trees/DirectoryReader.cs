using System.Buffers.Binary;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Trees;

/// <summary>Lists directories through getdents64.</summary>
public static class DirectoryReader
{
    private const int HeaderBytes = 19;

    /// <summary>All names but "." and "..", in the order they come.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Read(HostPath path, out List<ListedName> names)
    {
        names = [];
        int descriptor = Posix.Open(path, OpenMode.Read | OpenMode.Directory);
        if (descriptor < 0)
        {
            return descriptor;
        }
        byte[] buffer = new byte[1 << 16];
        int length;
        while ((length = Posix.ReadDirectory(descriptor, buffer)) > 0)
        {
            Decode(buffer.AsSpan(0, length), names);
        }
        Posix.Close(descriptor);
        return length;
    }

    private static void Decode(ReadOnlySpan<byte> records, List<ListedName> names)
    {
        while (!records.IsEmpty)
        {
            int size = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
            ReadOnlySpan<byte> name = records[HeaderBytes..size];
            name = name[..name.IndexOf((byte)0)];
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            {
                names.Add(new ListedName(name.ToArray(), BinaryPrimitives.ReadUInt64LittleEndian(records),
                    records[18], BinaryPrimitives.ReadInt64LittleEndian(records[8..])));
            }
            records = records[size..];
        }
    }
}
