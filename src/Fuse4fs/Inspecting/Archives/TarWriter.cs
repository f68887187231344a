using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>Writes entries of a PAX archive: an extended header with everything that the old header cannot say, the old
/// header, then the data in blocks of 512 bytes.</summary>
internal sealed class TarWriter(Stream output)
{
    private const int RecordBytes = 20 * TarHeader.BlockBytes;

    private readonly TarHeader _header = new();
    private readonly PaxRecords _common = new();
    private readonly byte[] _zeros = new byte[TarHeader.BlockBytes];
    private long _written;

    /// <summary>Records of the next entry: extended attributes, ACLs, the map of a sparse file.</summary>
    public PaxRecords Records { get; } = new();

    /// <summary>Writes an entry's headers. Data of exactly <paramref name="sizeBytes"/> must follow.</summary>
    /// <param name="type">What it is.</param>
    /// <param name="name">Its path; directories end in a slash.</param>
    /// <param name="attributes">Its inode.</param>
    /// <param name="linkName">Target of a hard or symbolic link.</param>
    /// <param name="sizeBytes">Bytes of data in the archive.</param>
    public void Begin(
        TarType type,
        ReadOnlySpan<byte> name,
        in InodeAttributes attributes,
        ReadOnlySpan<byte> linkName,
        long sizeBytes)
    {
        _header.Start(type);
        _header.SetName(name);
        _header.SetLinkName(linkName);
        _header.SetMode(attributes.Mode & 0xFFF);
        _common.Clear();
        if (name.Length > TarHeader.NameBytes)
        {
            _common.Add("path"u8, name);
        }
        if (linkName.Length > TarHeader.NameBytes)
        {
            _common.Add("linkpath"u8, linkName);
        }
        AddNumbers(in attributes, sizeBytes);
        if (attributes.Kind is FileKind.CharacterDevice or FileKind.BlockDevice)
        {
            _header.SetDevice(attributes.Device.Major, attributes.Device.Minor);
        }
        _header.Finish();
        WriteExtended(name);
        Write(_header.Block);
    }

    /// <summary>Data of the entry that was begun.</summary>
    public void Write(ReadOnlySpan<byte> data)
    {
        output.Write(data);
        _written += data.Length;
    }

    /// <summary>Fills the last block of an entry.</summary>
    public void End() => Pad(TarHeader.BlockBytes);

    /// <summary>Ends the archive: two empty blocks, filled up to a record as tar(1) does.</summary>
    public void Finish()
    {
        Write(_zeros);
        Write(_zeros);
        Pad(RecordBytes);
        output.Flush();
    }

    private void AddNumbers(in InodeAttributes attributes, long sizeBytes)
    {
        if (!_header.SetUserId(attributes.UserId))
        {
            _common.Add("uid"u8, attributes.UserId);
        }
        if (!_header.SetGroupId(attributes.GroupId))
        {
            _common.Add("gid"u8, attributes.GroupId);
        }
        if (!_header.SetSize(sizeBytes))
        {
            _common.Add("size"u8, sizeBytes);
        }
        _header.SetModificationTime(attributes.ModificationTime.Seconds);
        _common.Add("mtime"u8, attributes.ModificationTime);
        _common.Add("atime"u8, attributes.AccessTime);
        _common.Add("ctime"u8, attributes.ChangeTime);
    }

    private void WriteExtended(ReadOnlySpan<byte> name)
    {
        long bytes = _common.Bytes.Length + Records.Bytes.Length;
        var header = new TarHeader();
        header.Start(TarType.Extended);
        header.SetName("PaxHeaders/"u8.ToArray().Concat(LastName(name)).ToArray());
        header.SetMode(0x1A4);
        header.SetSize(bytes);
        header.Finish();
        Write(header.Block);
        Write(_common.Bytes);
        Write(Records.Bytes);
        End();
        Records.Clear();
    }

    private static byte[] LastName(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> trimmed = path.TrimEnd((byte)'/');
        return trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..].ToArray();
    }

    private void Pad(int unitBytes)
    {
        while (_written % unitBytes != 0)
        {
            int count = (int)Math.Min(_zeros.Length, unitBytes - (_written % unitBytes));
            Write(_zeros.AsSpan(0, count));
        }
    }
}
