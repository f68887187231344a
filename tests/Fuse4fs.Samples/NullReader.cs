using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>Answers READ in one of the ways to be compared.</summary>
internal sealed unsafe class NullReader : IDisposable
{
    private const int ZeroBytes = 1 << 20;

    private readonly NullData _data;
    private readonly FileDescriptor? _file;
    private readonly byte* _memory;
    private readonly long _length;

    public NullReader(NullOptions options)
    {
        _data = options.Data;
        if (_data == NullData.Zeros)
        {
            _length = ZeroBytes;
            _memory = (byte*)NativeMemory.AlignedAlloc(ZeroBytes, 4096);
            NativeMemory.Clear(_memory, ZeroBytes);
            return;
        }
        string path = options.BackingFile ?? throw new ArgumentException("this way of reading needs --backing FILE");
        _length = new FileInfo(path).Length;
        _file = LibC.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec, 0);
        if (_file.IsInvalid)
        {
            throw new IOException($"{path} cannot be opened");
        }
        if (_data == NullData.Mapping)
        {
            Errno error = LibC.TryMapForReading(_file, _length, out _memory);
            if (error != Errno.Ok)
            {
                throw new IOException($"{path} cannot be mapped: {error}");
            }
        }
    }

    public Errno Read(NullNode node, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        ulong size;
        lock (node.Gate)
        {
            size = node.Attributes.Size;
        }
        uint room = Math.Min(request.Size, (uint)reply.Free.Length);
        int wanted = (int)Math.Min(room, size - Math.Min(request.Offset, size));
        if (_data == NullData.Zeros && reply.CopiesMemory)
        {
            reply.Free[..wanted].Clear();
            reply.Advance(wanted);
            return Errno.Ok;
        }
        if (_data == NullData.Zeros)
        {
            return reply.TryAppendMemory(_memory, Math.Min(wanted, ZeroBytes)) ? Errno.Ok : Errno.InputOutput;
        }
        if (request.Offset + (ulong)wanted > (ulong)_length)
        {
            return Errno.InputOutput;
        }
        if (_data == NullData.Mapping)
        {
            return reply.TryAppendMemory(_memory + request.Offset, wanted) ? Errno.Ok : Errno.InputOutput;
        }
        nint count = LibC.PRead(_file!, reply.FreePointer, (nuint)wanted, (long)request.Offset);
        if (count < 0)
        {
            return LibC.LastError;
        }
        reply.Advance((int)count);
        return Errno.Ok;
    }

    public void Dispose()
    {
        if (_data == NullData.Zeros)
        {
            NativeMemory.AlignedFree(_memory);
        }
        else if (_memory is not null)
        {
            LibC.UnmapMemory(_memory, _length);
        }
        _file?.Dispose();
    }
}
