using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fuse4fs.Benchmarks.Iomap;

/// <summary>mappings.c, compiled for this machine.</summary>
internal sealed unsafe class CYardstick : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fuse4fs-bench-").FullName;
    private readonly nint _library;
    private readonly delegate* unmanaged<byte*, byte*, int, long> _beginAnswers;
    private readonly delegate* unmanaged<byte*, int, long> _buildBatch;

    public CYardstick()
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Iomap", "mappings.c");
        string library = Path.Combine(_directory, "mappings.so");
        using Process compiler = Process.Start("cc", ["-O2", "-Wall", "-shared", "-fPIC", "-o", library, source]);
        compiler.WaitForExit();
        if (compiler.ExitCode != 0)
        {
            throw new InvalidOperationException($"{source} does not compile");
        }
        _library = NativeLibrary.Load(library);
        _beginAnswers = (delegate* unmanaged<byte*, byte*, int, long>)NativeLibrary.GetExport(_library, "begin_answers");
        _buildBatch = (delegate* unmanaged<byte*, int, long>)NativeLibrary.GetExport(_library, "build_batch");
    }

    /// <returns>How many failed.</returns>
    public long BeginAnswers(Span<byte> request, Span<byte> reply, int rounds)
    {
        fixed (byte* from = request)
        fixed (byte* to = reply)
        {
            return _beginAnswers(from, to, rounds);
        }
    }

    /// <returns>How many failed.</returns>
    public long BuildBatch(Span<byte> messages, int count)
    {
        fixed (byte* first = messages)
        {
            return _buildBatch(first, count);
        }
    }

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        Directory.Delete(_directory, recursive: true);
    }
}
