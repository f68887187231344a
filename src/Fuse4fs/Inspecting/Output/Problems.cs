using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Says on the error stream what is wrong with an image, one line each, and counts it: a command that met
/// damage ends with exit code 1 although it went on.</summary>
internal sealed class Problems : IEngineEvents
{
    private readonly TextWriter _writer;
    private int _count;
    private string? _lastDamage;

    /// <summary>Reports on standard error.</summary>
    public Problems() : this(Console.Error)
    {
    }

    /// <summary>Reports elsewhere.</summary>
    public Problems(TextWriter writer) => _writer = writer;

    /// <summary>Problems so far; warnings of the engine do not count.</summary>
    public int Count => _count;

    /// <summary>0, or 1 when there was any problem.</summary>
    public int ExitCode => _count == 0 ? 0 : 1;

    /// <summary>Something about a name is wrong.</summary>
    /// <param name="path">Bytes of the path; empty for the root.</param>
    /// <param name="message">What.</param>
    public void Report(ReadOnlySpan<byte> path, string message)
    {
        _count++;
        Note(path, message);
    }

    /// <summary>An operation on a name failed.</summary>
    public void Report(ReadOnlySpan<byte> path, Errno error) => Report(path, ErrnoText.Of(error));

    /// <summary>The engine threw: damage, a failing medium, or arithmetic that damage led astray.</summary>
    public void Report(ReadOnlySpan<byte> path, Exception failure) => Report(path, failure.Message);

    /// <summary>Something worth saying that is no damage.</summary>
    public void Note(ReadOnlySpan<byte> path, string message)
    {
        // Names in an archive begin with "./".
        ReadOnlySpan<byte> shown = path.StartsWith("./"u8) ? path[2..] : path is [(byte)'.'] ? default : path;
        _writer.WriteLine($"fuse4fs: /{EscapedName.Of(shown)}: {message}");
    }

    /// <summary>True for the exceptions that say something about the image and nothing about this program.</summary>
    public static bool IsOfImage(Exception failure) =>
        failure is Ext4CorruptException or DeviceException or OverflowException;

    /// <summary>Damage that the engine found a way around, such as an index it does without.</summary>
    public void Damage(Ext4CorruptException damage, InodeNumber inode)
    {
        string line = $"fuse4fs: inode {inode}: {damage.Message}";
        if (line != _lastDamage)
        {
            _count++;
            _lastDamage = line;
            _writer.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Warning(string message) => _writer.WriteLine($"fuse4fs: {message}");

    /// <summary>Said where the exception is caught.</summary>
    public void DeviceFailed(DeviceException failure)
    {
    }
}
