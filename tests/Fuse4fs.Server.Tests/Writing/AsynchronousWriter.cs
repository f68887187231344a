using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Writes a file past the page cache by the kernel's asynchronous I/O, one write at a time. See io_submit(2).
/// </summary>
internal sealed unsafe partial class AsynchronousWriter : IDisposable
{
    private const ushort WriteAt = 1;
    private const nuint Alignment = 4096;

    private readonly FileDescriptor _file;
    private readonly byte* _buffer;
    private readonly int _lengthBytes;
    private nint _context;

    /// <param name="path">Made when it is not there.</param>
    /// <param name="lengthBytes">Of a write; whole blocks.</param>
    public AsynchronousWriter(string path, int lengthBytes)
    {
        _lengthBytes = lengthBytes;
        _file = LibC.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct, 0x180);
        Assert.False(_file.IsInvalid);
        _buffer = (byte*)NativeMemory.AlignedAlloc((nuint)lengthBytes, Alignment);
        nint context = 0;
        Assert.Equal(0, Call(Numbers.Setup, 1, (nint)(&context), 0, 0, 0));
        _context = context;
    }

    /// <summary>Whether this machine's numbers of the system calls are known here.</summary>
    public static bool IsKnown => RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    private static (nint Setup, nint Destroy, nint Submit, nint Events) Numbers
        => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (206, 207, 209, 208) : (0, 1, 2, 4);

    /// <summary>Fills the beginning of the file and returns when the kernel says that it is done.</summary>
    public void Write(byte value)
    {
        new Span<byte>(_buffer, _lengthBytes).Fill(value);
        var block = new ControlBlock
        {
            Opcode = WriteAt,
            File = (uint)(int)_file.DangerousGetHandle(),
            Buffer = (ulong)_buffer,
            Length = (ulong)_lengthBytes,
        };
        nint blocks = (nint)(&block);
        Assert.Equal(1, Call(Numbers.Submit, _context, 1, (nint)(&blocks), 0, 0));
        Event done = default;
        Assert.Equal(1, Call(Numbers.Events, _context, 1, 1, (nint)(&done), 0));
        Assert.Equal(_lengthBytes, done.Result);
    }

    public void Dispose()
    {
        Call(Numbers.Destroy, _context, 0, 0, 0, 0);
        _context = 0;
        _file.Dispose();
        NativeMemory.AlignedFree(_buffer);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    /// <summary>struct iocb.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ControlBlock
    {
        public ulong Data;
        public uint Key;
        public uint ReadWriteFlags;
        public ushort Opcode;
        public short Priority;
        public uint File;
        public ulong Buffer;
        public ulong Length;
        public long Offset;
        public ulong Reserved;
        public uint Flags;
        public uint EventFile;
    }

    /// <summary>struct io_event.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Event
    {
        public ulong Data;
        public ulong Block;
        public long Result;
        public long Result2;
    }
}
