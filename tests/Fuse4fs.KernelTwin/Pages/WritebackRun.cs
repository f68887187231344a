using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>Dirty bytes that are contiguous in the file and on the device: what one IOEND reports.</summary>
internal sealed class WritebackRun(Inode inode, Mapping mapping, long from)
{
    private readonly List<(Page Page, byte[] Data)> _parts = [];

    public Inode Inode { get; } = inode;

    /// <summary>The mapping of its first byte.</summary>
    public Mapping Mapping { get; } = mapping.Part(from, mapping.End);

    public long From { get; } = from;

    public long End { get; private set; } = from;

    /// <summary>The end, clipped to the size the file had when the run was made.</summary>
    public long ReportedEnd { get; private set; } = from;

    /// <summary>Why it is not written at all.</summary>
    public Errno Error { get; set; }

    public IEnumerable<(Page Page, byte[] Data)> Parts => _parts;

    public IoendFlags Flags => IoendFlags.Writeback
        | (Mapping.IsUnwritten ? IoendFlags.Unwritten : IoendFlags.None)
        | ((Mapping.Flags & MappingFlags.Shared) != 0 ? IoendFlags.Shared : IoendFlags.None);

    /// <summary>Whether a further part continues it.</summary>
    public bool Takes(in Mapping next, long position, long mostBytes)
    {
        const MappingFlags Matters = MappingFlags.Shared;
        return position == End && End - From < mostBytes && next.Type == Mapping.Type && next.Device == Mapping.Device
            && (next.Flags & Matters) == (Mapping.Flags & Matters)
            && ((next.Flags & MappingFlags.Boundary) == 0 || position != next.Offset)
            && next.AddressOf(position) == Mapping.AddressOf(position);
    }

    public void Add(Page page, long position, int length)
    {
        int inPage = (int)(position - (page.Index * page.Data.Length));
        _parts.Add((page, page.Data.AsSpan(inPage, length).ToArray()));
        page.Writeback++;
        End = position + length;
        ReportedEnd = Math.Max(From, Math.Min(End, Inode.Size));
    }
}
