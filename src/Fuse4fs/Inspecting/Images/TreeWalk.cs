using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Images;

/// <summary>Goes through all names below a directory. Keeps its own stack, enters no directory twice and no path beyond
/// a bound, so that no image can make it go on for ever. Damaged directories are reported and left.</summary>
internal sealed class TreeWalk
{
    private const int MostPathBytes = 65536;

    private readonly Volume _volume;
    private readonly Problems _problems;
    private readonly List<Level> _levels = [];
    private readonly HashSet<InodeNumber> _entered = [];
    private byte[] _path = new byte[512];
    private int _pathLength;

    /// <summary>Starts before the first name.</summary>
    /// <param name="volume">Open.</param>
    /// <param name="directory">Where; its own name is not among those found.</param>
    /// <param name="prefix">Put before every path, with a slash between unless empty.</param>
    /// <param name="problems">Hears of damage.</param>
    public TreeWalk(Volume volume, InodeNumber directory, ReadOnlySpan<byte> prefix, Problems problems)
    {
        _volume = volume;
        _problems = problems;
        SetPath(0, prefix);
        Push(directory);
    }

    /// <summary>The present name with all before it.</summary>
    public ReadOnlySpan<byte> Path => _path.AsSpan(0, _pathLength);

    /// <summary>What the present name refers to.</summary>
    public InodeNumber Inode { get; private set; }

    /// <summary>What the directory says it is; Unknown on volumes without that.</summary>
    public DirectoryFileType Type { get; private set; }

    /// <summary>Goes to the next name.</summary>
    public bool MoveNext()
    {
        while (_levels.Count > 0)
        {
            Level level = _levels[^1];
            if (level.Batch.TryTake(out InodeNumber inode, out DirectoryFileType type, out ReadOnlySpan<byte> name))
            {
                SetPath(level.PathLength, name);
                Inode = inode;
                Type = type;
                return true;
            }
            if (level.IsAtEnd)
            {
                _levels.RemoveAt(_levels.Count - 1);
            }
            else
            {
                Fill(level);
            }
        }
        return false;
    }

    /// <summary>The names of the present directory come next.</summary>
    /// <returns>False when it was met before or lies too deep: reported.</returns>
    public bool Enter()
    {
        if (_pathLength > MostPathBytes)
        {
            _problems.Report(Path, "too many directories inside each other");
            return false;
        }
        if (_entered.Contains(Inode))
        {
            _problems.Report(Path, "this directory has a second name; it is entered only once");
            return false;
        }
        Push(Inode);
        return true;
    }

    private void Push(InodeNumber directory)
    {
        _entered.Add(directory);
        _levels.Add(new Level(directory, _pathLength));
    }

    private void Fill(Level level)
    {
        DirectoryBatch batch = level.Batch;
        ulong before = batch.Cookie;
        batch.Clear();
        try
        {
            Errno error = _volume.ReadDirectory(level.Directory, before, ref batch);
            if (error != Errno.Ok)
            {
                _problems.Report(_path.AsSpan(0, level.PathLength), error);
            }
            // Damage behind names already listed is only told to whoever goes on: the end is where nothing follows.
            level.IsAtEnd = error != Errno.Ok || batch.Cookie == before;
        }
        catch (Exception failure) when (Problems.IsOfImage(failure))
        {
            _problems.Report(_path.AsSpan(0, level.PathLength), failure);
            level.IsAtEnd = true;
        }
    }

    private void SetPath(int parentLength, ReadOnlySpan<byte> name)
    {
        int slash = parentLength > 0 ? 1 : 0;
        int length = parentLength + slash + name.Length;
        if (length > _path.Length)
        {
            Array.Resize(ref _path, Math.Max(length, _path.Length * 2));
        }
        if (slash > 0)
        {
            _path[parentLength] = (byte)'/';
        }
        name.CopyTo(_path.AsSpan(parentLength + slash));
        _pathLength = length;
    }

    /// <summary>A directory that was entered.</summary>
    private sealed class Level(InodeNumber directory, int pathLength)
    {
        public InodeNumber Directory => directory;

        public int PathLength => pathLength;

        public DirectoryBatch Batch { get; } = new();

        public bool IsAtEnd { get; set; }
    }
}
