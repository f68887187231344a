using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Fuse4fs.Testing.Fuzzing;

/// <summary>Where FUSE4FS_FUZZ_TRACE names a directory: a file that always holds the mutant under way, so that it is
/// known even when the process dies of it.</summary>
public sealed class FuzzTrace : IDisposable
{
    private readonly SafeFileHandle? _file;

    /// <summary>Opens the file of one worker.</summary>
    public FuzzTrace(string worker)
    {
        if (Environment.GetEnvironmentVariable("FUSE4FS_FUZZ_TRACE") is { Length: > 0 } directory)
        {
            _file = File.OpenHandle(Path.Combine(directory, worker), FileMode.Create, FileAccess.Write);
        }
    }

    /// <summary>From now on this mutant is under way.</summary>
    public void Set(string mutant)
    {
        if (_file is not null)
        {
            byte[] line = Encoding.UTF8.GetBytes(mutant + "\n");
            RandomAccess.Write(_file, line, 0);
            RandomAccess.SetLength(_file, line.Length);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
