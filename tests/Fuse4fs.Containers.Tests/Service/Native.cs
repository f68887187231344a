using System.Runtime.InteropServices;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Containers.Tests.Service;

/// <summary>Calls of the helper's side that nothing else of ours needs: descriptors sent, memory files, mounts copied and
/// id-mapped. Numbers of x86-64, but for those that are the same everywhere.</summary>
internal static unsafe partial class Native
{
    private const string Library = "libc";

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct DescriptorMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        public int Padding;
    }

    /// <summary>struct mount_attr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MountAttributes
    {
        public ulong Set, Clear, Propagation, UserNamespace;
    }

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenTree(nint number, nint directory, string path, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint MountSetAttributes(
        nint number, nint directory, string path, nint flags, MountAttributes* attributes, nint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint MoveMount(
        nint number, nint fromDirectory, string from, nint toDirectory, string to, nint flags);

    /// <summary>Sends a message with a descriptor beside it.</summary>
    public static void Send(int socket, ReadOnlySpan<byte> message, int descriptor)
    {
        var control = new DescriptorMessage { Length = 20, Level = 1, Type = 1, Descriptor = descriptor };
        fixed (byte* start = message)
        {
            var vector = new IoVector { Base = start, Length = (nuint)message.Length };
            var header = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(DescriptorMessage),
            };
            const int noSignal = 0x4000;
            Assert.Equal(message.Length, SendMessage(socket, &header, noSignal));
        }
    }

    /// <summary>A file in memory with these contents.</summary>
    public static FileDescriptor MemoryFile(ReadOnlySpan<byte> contents)
    {
        var file = new FileDescriptor(CreateMemoryFile("test", 1));
        Assert.False(file.IsInvalid);
        fixed (byte* start = contents)
        {
            Assert.Equal(contents.Length, LibC.PWrite(file, start, (nuint)contents.Length, 0));
        }
        return file;
    }

    /// <summary>Mounts what is at one place at another as well, with ids mapped as in a user namespace.</summary>
    public static Errno MountIdMapped(string from, string to, string userNamespace)
    {
        const int openTree = 428, moveMount = 429, mountSetAttributes = 442;
        const int clone = 1, emptyPath = 0x1000, fromEmptyPath = 4, idMap = 0x100000;
        using FileDescriptor space = LibC.Open(userNamespace, OpenFlags.ReadOnly | OpenFlags.CloseOnExec, 0);
        using var tree = new FileDescriptor((int)OpenTree(openTree, LibC.CurrentDirectory, from, clone));
        if (tree.IsInvalid)
        {
            return LibC.LastError;
        }
        var attributes = new MountAttributes { Set = idMap, UserNamespace = (ulong)space.Number };
        if (MountSetAttributes(mountSetAttributes, tree.Number, "", emptyPath, &attributes, sizeof(MountAttributes)) != 0
            || MoveMount(moveMount, tree.Number, "", LibC.CurrentDirectory, to, fromEmptyPath) != 0)
        {
            return LibC.LastError;
        }
        return Errno.Ok;
    }
}
