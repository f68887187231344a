using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>Writes a tree of an image as a PAX archive: owners, modes, times in nanoseconds, extended attributes, ACLs,
/// device nodes, hard links, sparse files. What is damaged is reported and left out; the rest is still
/// exported.</summary>
internal sealed class TarExport
{
    private const int ChunkBytes = 1 << 20;

    private readonly Volume _volume;
    private readonly TarWriter _tar;
    private readonly Problems _problems;
    private readonly IExportProgress? _progress;
    private readonly Dictionary<InodeNumber, byte[]> _linked = [];
    private readonly byte[] _chunk = new byte[ChunkBytes];
    private readonly long _volumeBytes;
    private long _dataBytes;

    /// <summary>Prepares.</summary>
    public TarExport(Volume volume, Stream output, Problems problems, IExportProgress? progress)
    {
        _volume = volume;
        _tar = new TarWriter(output);
        _problems = problems;
        _progress = progress;
        Geometry geometry = volume.Context.Geometry;
        _volumeBytes = checked((long)(geometry.BlockCount << geometry.BlockSizeShift));
    }

    /// <summary>Writes the whole archive.</summary>
    /// <param name="start">A directory, whose contents are named from "./" on, or a single file.</param>
    /// <param name="name">Name of a single file in the archive.</param>
    public void Write(in InodeAttributes start, ReadOnlySpan<byte> name)
    {
        if (start.Kind == FileKind.Directory)
        {
            WriteEntry("."u8, start.Number);
            var walk = new TreeWalk(_volume, start.Number, "."u8, _problems);
            while (walk.MoveNext())
            {
                if (WriteEntry(walk.Path, walk.Inode))
                {
                    walk.Enter();
                }
            }
        }
        else
        {
            WriteEntry(name, start.Number);
        }
        _tar.Finish();
    }

    /// <returns>True for a directory.</returns>
    private bool WriteEntry(ReadOnlySpan<byte> path, InodeNumber number)
    {
        try
        {
            Errno error = _volume.GetAttributes(number, out InodeAttributes attributes);
            if (error == Errno.Ok)
            {
                WriteChecked(path, in attributes);
                return attributes.Kind == FileKind.Directory;
            }
            _problems.Report(path, error);
        }
        catch (Exception failure) when (Problems.IsOfImage(failure) || failure is InspectionException)
        {
            _problems.Report(path, failure);
        }
        _tar.Records.Clear();
        return false;
    }

    private void WriteChecked(ReadOnlySpan<byte> path, in InodeAttributes attributes)
    {
        if (attributes.LinkCount > 1 && attributes.Kind != FileKind.Directory)
        {
            if (_linked.TryGetValue(attributes.Number, out byte[]? first))
            {
                WriteSimple(TarType.HardLink, path, in attributes, first);
                return;
            }
        }
        switch (attributes.Kind)
        {
            case FileKind.Regular:
                WriteFile(path, in attributes);
                break;
            case FileKind.Directory:
                AddXattrs(path, in attributes);
                WriteSimple(TarType.Directory, [.. path, (byte)'/'], in attributes, default);
                break;
            case FileKind.Symlink:
                AddXattrs(path, in attributes);
                WriteSimple(TarType.Symlink, path, in attributes, TargetOf(attributes.Number));
                break;
            case FileKind.CharacterDevice:
                AddXattrs(path, in attributes);
                WriteSimple(TarType.CharacterDevice, path, in attributes, default);
                break;
            case FileKind.BlockDevice:
                AddXattrs(path, in attributes);
                WriteSimple(TarType.BlockDevice, path, in attributes, default);
                break;
            case FileKind.Fifo:
                AddXattrs(path, in attributes);
                WriteSimple(TarType.Fifo, path, in attributes, default);
                break;
            default:
                _problems.Note(path, "a socket: archives have no such thing, left out");
                return;
        }
        if (attributes.LinkCount > 1 && attributes.Kind != FileKind.Directory)
        {
            _linked.Add(attributes.Number, path.ToArray());
        }
    }

    private void WriteSimple(
        TarType type, ReadOnlySpan<byte> path, in InodeAttributes attributes, ReadOnlySpan<byte> linkName)
    {
        _tar.Begin(type, path, in attributes, linkName, 0);
        _progress?.Advanced(0);
    }

    private void WriteFile(ReadOnlySpan<byte> path, in InodeAttributes attributes)
    {
        if ((attributes.Flags & InodeFlags.Encrypted) != 0)
        {
            _problems.Report(path, Errno.NoKey);
            return;
        }
        // Blocks belong to one file only: more data than the volume has room for is damage, and could fill a disk.
        SparseMap map = SparseMap.Read(_volume, in attributes, _volumeBytes - _dataBytes);
        AddXattrs(path, in attributes);
        byte[] header = [];
        ReadOnlySpan<byte> name = path;
        if (map.IsSparse)
        {
            header = map.Render();
            _tar.Records.Add("GNU.sparse.major"u8, 1);
            _tar.Records.Add("GNU.sparse.minor"u8, 0);
            _tar.Records.Add("GNU.sparse.name"u8, path);
            _tar.Records.Add("GNU.sparse.realsize"u8, attributes.SizeBytes);
            name = SparseName(path);
        }
        _tar.Begin(TarType.Regular, name, in attributes, default, header.Length + map.DataBytes);
        _tar.Write(header);
        CopyData(path, in attributes, map);
        _tar.End();
        _dataBytes += map.DataBytes;
        _progress?.Advanced(map.DataBytes);
    }

    /// <summary>The header with the size is out: what cannot be read becomes zeros, as in tar(1), and is
    /// reported.</summary>
    private void CopyData(ReadOnlySpan<byte> path, in InodeAttributes attributes, SparseMap map)
    {
        bool wasReported = false;
        foreach (DataPart part in map.Parts)
        {
            for (long done = 0; done < part.Length;)
            {
                Span<byte> chunk = _chunk.AsSpan(0, (int)Math.Min(ChunkBytes, part.Length - done));
                string? failure = TryRead(attributes.Number, part.Offset + done, chunk);
                if (failure is not null)
                {
                    chunk.Clear();
                    if (!wasReported)
                    {
                        _problems.Report(path, failure + "; unreadable parts are zeros in the archive");
                        wasReported = true;
                    }
                }
                _tar.Write(chunk);
                done += chunk.Length;
            }
        }
    }

    private string? TryRead(InodeNumber number, long offset, Span<byte> chunk)
    {
        try
        {
            Errno error = _volume.Read(number, offset, chunk, out int count);
            return error != Errno.Ok ? ErrnoText.Of(error)
                : count < chunk.Length ? "the file is shorter than its map"
                : null;
        }
        catch (Exception failure) when (Problems.IsOfImage(failure))
        {
            return failure.Message;
        }
    }

    private void AddXattrs(ReadOnlySpan<byte> path, in InodeAttributes attributes)
    {
        foreach ((byte[] name, byte[] value) in XattrList.Read(_volume, in attributes))
        {
            if (name.AsSpan().SequenceEqual("system.posix_acl_access"u8))
            {
                AddAcl(path, "SCHILY.acl.access"u8, value);
            }
            else if (name.AsSpan().SequenceEqual("system.posix_acl_default"u8))
            {
                AddAcl(path, "SCHILY.acl.default"u8, value);
            }
            else
            {
                _tar.Records.Add([.. "SCHILY.xattr."u8, .. XattrKeyword(name)], value);
            }
        }
    }

    /// <summary>A keyword ends at the first '='. GNU tar writes one in a name as %3D, and % itself as %25.</summary>
    private static byte[] XattrKeyword(ReadOnlySpan<byte> name)
    {
        var keyword = new List<byte>(name.Length);
        foreach (byte letter in name)
        {
            switch (letter)
            {
                case (byte)'=': keyword.AddRange("%3D"u8); break;
                case (byte)'%': keyword.AddRange("%25"u8); break;
                default: keyword.Add(letter); break;
            }
        }
        return [.. keyword];
    }

    private void AddAcl(ReadOnlySpan<byte> path, ReadOnlySpan<byte> keyword, byte[] value)
    {
        if (AclText.Of(value) is byte[] text)
        {
            _tar.Records.Add(keyword, text);
        }
        else
        {
            _problems.Report(path, "an access control list is malformed, left out");
        }
    }

    private byte[] TargetOf(InodeNumber number)
    {
        byte[] target = new byte[Limits.MostTargetBytes];
        Errno error = _volume.ReadLink(number, target, out int length);
        return error == Errno.Ok
            ? target.AsSpan(0, length).ToArray()
            : throw new InspectionException(ErrnoText.Of(error));
    }

    /// <summary>What a tar without the sparse format would call the file: in a directory of its own, beside its place.
    /// </summary>
    private static byte[] SparseName(ReadOnlySpan<byte> path)
    {
        int name = path.LastIndexOf((byte)'/') + 1;
        return [.. path[..name], .. "GNUSparseFile.0/"u8, .. path[name..]];
    }
}
