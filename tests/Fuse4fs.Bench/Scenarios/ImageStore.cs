using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>Two template images, one filled and one empty, and each system's copies of them.</summary>
internal sealed class ImageStore
{
    private readonly string _directory;
    private readonly string _filled;
    private readonly string _empty;

    /// <summary>Makes the templates unless the directory holds them from an earlier run.</summary>
    public ImageStore(string directory, Sizes sizes, LoadGenerator load, bool withFilled)
    {
        _directory = directory;
        _filled = Path.Combine(directory, "filled.img");
        _empty = Path.Combine(directory, "empty.img");
        if (!File.Exists(_empty))
        {
            Make(_empty, sizes);
        }
        if (withFilled && !File.Exists(_filled))
        {
            string unfinished = _filled + ".unfinished";
            Make(unfinished, sizes);
            string mountPoint = Path.Combine(directory, "filling");
            Directory.CreateDirectory(mountPoint);
            ReadImage.Fill(unfinished, mountPoint, sizes, load);
            File.Move(unfinished, _filled);
        }
    }

    /// <summary>The system's copy: for reading made once, for writing always a fresh one.</summary>
    public string CopyFor(string system, bool isWriting)
    {
        string copy = Path.Combine(_directory, $"{system}-{(isWriting ? "write" : "read")}.img");
        if (isWriting || !File.Exists(copy))
        {
            Command.Run("cp", "--sparse=always", isWriting ? _empty : _filled, copy);
        }
        return copy;
    }

    private static void Make(string path, Sizes sizes)
    {
        Command.Run("truncate", "-s", $"{sizes.ImageGib}G", path);
        Command.Run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,hash_seed="
            + "00000000-0000-4000-8000-000000000001", "-N", "400000", path);
    }
}
