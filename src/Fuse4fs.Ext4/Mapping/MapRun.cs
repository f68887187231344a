using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>One answer of the map: what a run of file blocks is, and where.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="First">First block within the file.</param>
/// <param name="LengthBlocks">Blocks, at least 1. A hole may go on behind its end: then the next question says so.</param>
/// <param name="Start">First block on the device; 0 for holes and inline data.</param>
public readonly record struct MapRun(RunKind Kind, uint First, ulong LengthBlocks, FsBlock Start)
{
    /// <summary>First file block behind the run: up to 2^32.</summary>
    public ulong End => First + LengthBlocks;

    /// <summary>Blocks of the device are in use.</summary>
    public bool IsMapped => Kind is RunKind.Written or RunKind.Unwritten;

    /// <summary>The device block of a file block inside a mapped run.</summary>
    public FsBlock BlockAt(uint fileBlock) => Start + (fileBlock - First);

    /// <summary>The part from a file block inside the run on.</summary>
    public MapRun From(uint fileBlock) => this with
    {
        First = fileBlock,
        LengthBlocks = End - fileBlock,
        Start = IsMapped ? BlockAt(fileBlock) : default,
    };
}
