using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;

namespace Fuse4fs.Benchmarks.Iomap;

/// <summary>Handing 512 uploads to the kernel: one system call for all, or one for each. To a pipe, and to /dev/fuse of a
/// mount, whose kernel refuses them where it knows no mappings: then what is measured is the way there. Needs root.</summary>
public unsafe class UploadBenchmarks : IDisposable
{
    private const int Messages = 512;
    private const int MessageBytes = 96;

    private readonly byte[] _messages = GC.AllocateArray<byte>(Messages * MessageBytes, pinned: true);
    private readonly byte[] _drained = new byte[Messages * MessageBytes];
    private readonly Errno[] _results = new Errno[Messages];
    private readonly string _point = Directory.CreateTempSubdirectory("fuse4fs-bench-").FullName;
    private MessageRing _ring = null!;
    private System.IO.Pipes.AnonymousPipeServerStream _reader = null!;
    private FileDescriptor _pipe = null!;
    private FuseMount _mount = null!;
    private FuseSession _session = null!;

    [GlobalSetup]
    public void Prepare()
    {
        for (int i = 0; i < Messages; i++)
        {
            var header = new OutHeader { Length = MessageBytes, Error = (int)NotifyCode.UpsertMappings };
            MemoryMarshal.Write(_messages.AsSpan(i * MessageBytes), in header);
        }
        if (MessageRing.TryCreate(out MessageRing? ring) != Errno.Ok)
        {
            throw new InvalidOperationException("no io_uring here");
        }
        _ring = ring!;
        _reader = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.In);
        _pipe = new FileDescriptor((int)_reader.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        _mount = FuseMount.Mount(_point, new MountOptions { Subtype = "bench" });
        _session = new FuseSession(_mount.Device, new HelloFileSystem(), new SessionOptions());
        _session.Start();
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _ = _mount.Unmount(lazily: true);
        _session.Dispose();
        Directory.Delete(_point);
        _ring.Dispose();
        _pipe.Dispose();
        _reader.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void PipeByRing()
    {
        fixed (byte* first = _messages)
        {
            _ = _ring.Write(_pipe, first, MessageBytes, _results);
        }
        _reader.ReadExactly(_drained);
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void PipeByLoop()
    {
        fixed (byte* first = _messages)
        {
            for (int i = 0; i < Messages; i++)
            {
                _ = LibC.Write(_pipe, first + (i * MessageBytes), MessageBytes);
            }
        }
        _reader.ReadExactly(_drained);
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void FuseByRing()
    {
        fixed (byte* first = _messages)
        {
            _mount.Device.WriteMessages(first, MessageBytes, _results);
        }
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void FuseByLoop()
    {
        fixed (byte* first = _messages)
        {
            for (int i = 0; i < Messages; i++)
            {
                _results[i] = _mount.Device.Write(new ReadOnlySpan<byte>(first + (i * MessageBytes), MessageBytes));
            }
        }
    }
}
