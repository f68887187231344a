namespace Fuse4fs.KernelTwin.Pages;

/// <summary>A page of a file. One bit for each file-system block in it.</summary>
internal sealed class Page(long index, int size)
{
    public long Index { get; } = index;

    public byte[] Data { get; } = new byte[size];

    public ulong Uptodate { get; set; }

    public ulong Dirty { get; set; }

    /// <summary>Mapped for writing: stores need no fault until write-back protects it again.</summary>
    public bool IsWritable { get; set; }

    /// <summary>Read-ahead ends one window here: reaching it starts the next.</summary>
    public bool IsMarker { get; set; }

    /// <summary>Runs of write-back that carry a part of it.</summary>
    public int Writeback { get; set; }
}
