using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Benchmarks;

/// <summary>One operation of the volume each, everything cached: the floor below every request.</summary>
[MemoryDiagnoser]
public class EngineBenchmarks
{
    private const int Names = 5000;
    private const int Pieces = 200;

    private readonly byte[] _buffer = new byte[4096];
    private Volume _volume = null!;
    private InodeNumber _directory;
    private InodeNumber _file;
    private byte[][] _names = [];
    private int _next;

    /// <summary>Makes an image with a large directory and a file of many extents, and opens it.</summary>
    [GlobalSetup]
    public void Open()
    {
        using var staging = new TemporaryDirectory();
        string tree = staging.CreateSubdirectory("tree");
        string many = Directory.CreateDirectory(Path.Combine(tree, "many")).FullName;
        for (int i = 0; i < Names; i++)
        {
            File.WriteAllBytes(Path.Combine(many, NameOf(i)), []);
        }
        byte[] piece = new byte[4096];
        Array.Fill(piece, (byte)1);
        using (FileStream file = File.Create(Path.Combine(tree, "pieces")))
        {
            for (int i = 0; i < Pieces; i++)
            {
                file.Position = (long)i * 16384;
                file.Write(piece);
            }
        }
        using var image = new TestImage("-t ext4 -O ^has_journal", contents: tree);
        Tool.Run("e2fsck", "-fyD", image.Path);
        _volume = Volume.Open(MemoryDevice.Load(image.Path), new VolumeOptions { ReadOnly = true });
        _ = _volume.Lookup(InodeNumber.Root, "many"u8, out _directory);
        _ = _volume.Lookup(InodeNumber.Root, "pieces"u8, out _file);
        _names = [.. Enumerable.Range(0, Names).Select(i => Encoding.ASCII.GetBytes(NameOf(i)))];
    }

    /// <summary>Closes the volume.</summary>
    [GlobalCleanup]
    public void Close() => _volume.Dispose();

    /// <summary>A name in a directory with a hash tree.</summary>
    [Benchmark]
    public Errno Lookup() => _volume.Lookup(_directory, Next(), out InodeNumber _);

    /// <summary>A name that is not there.</summary>
    [Benchmark]
    public Errno LookupOfNothing() => _volume.Lookup(_directory, "a name that is not there"u8, out InodeNumber _);

    /// <summary>stat(2) of an inode in memory.</summary>
    [Benchmark]
    public Errno GetAttributes() => _volume.GetAttributes(_file, out InodeAttributes _);

    /// <summary>Where 4 KiB of a file with many extents are.</summary>
    [Benchmark]
    public Errno MapForRead()
    {
        Span<DataRun> runs = stackalloc DataRun[4];
        _next = (_next + 1) % Pieces;
        return _volume.MapForRead(_file, (long)_next * 16384, 4096, runs, out int _, out int _);
    }

    /// <summary>4 KiB of data.</summary>
    [Benchmark]
    public Errno Read()
    {
        _next = (_next + 1) % Pieces;
        return _volume.Read(_file, (long)_next * 16384, _buffer, out int _);
    }

    /// <summary>A whole directory of 5,000 names.</summary>
    [Benchmark]
    public int ReadDirectory()
    {
        var sink = new NameCounter();
        _ = _volume.ReadDirectory(_directory, 0, ref sink);
        return sink.Count;
    }

    private static string NameOf(int i) => string.Create(CultureInfo.InvariantCulture, $"a-file-name-{i:000000}");

    private byte[] Next()
    {
        _next = (_next + 1) % Names;
        return _names[_next];
    }

    private struct NameCounter : IDirectorySink
    {
        public int Count;

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
        {
            Count++;
            return true;
        }
    }
}
