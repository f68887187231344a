using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Files whose data somebody else moves: he asks where to, and tells what he has done. Here is what that means
/// for maps, space and sizes. Callers hold the inode's lock exclusively.</summary>
/// <remarks>
/// <para>Data written into a cache has space reserved when it is accepted and gets blocks when it is written out, in one
/// piece, unwritten; a completed write makes them written and moves the size. So a crash shows no stale blocks, and there
/// is no way to a full disk behind an accepted write. Block maps have no unwritten state: there blocks stay in memory
/// until their data is in them.</para>
/// <para>Files: DelegatedFiles (answers), .Reserving (accepting), .Placing (choosing blocks), .Completing (what was
/// written, sizes), .States (what is kept for whom).</para>
/// </remarks>
internal sealed partial class DelegatedFiles(
    DelegatedMaps maps, WriteServices services, FileWriter writer, FileSpace space, InlineFiles inline)
{
    private readonly int _blockShift = services.Context.Geometry.BlockSizeShift;
    private readonly int _clusterShift = services.Context.Geometry.ClusterShift;

    /// <summary>Answers; reserves or chooses blocks where the use needs them.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="use">What for.</param>
    /// <param name="offset">First byte wanted, inside the largest file.</param>
    /// <param name="length">Bytes wanted; an answer may cover fewer, or more.</param>
    /// <param name="options">Who writes.</param>
    /// <param name="mapping">Holds the first byte.</param>
    /// <returns>NoSpace, QuotaExceeded, FileTooBig, ReadOnly, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno Map(
        Inode inode, MappingUse use, long offset, long length, in WriteOptions options, out DelegatedMapping mapping)
    {
        mapping = default;
        Errno error = use is MappingUse.Read or MappingUse.DirectRead or MappingUse.Report
            ? Errno.Ok
            : inline.MoveOut(inode, in options);
        ulong block = (ulong)offset >> _blockShift;
        ulong end = EndBlock(offset, length);
        DelegatedState? state = maps.StateOf(inode);
        if (error == Errno.Ok)
        {
            error = use switch
            {
                MappingUse.Write or MappingUse.Fault => Accept(inode, ref state, use, block, end, in options),
                MappingUse.DirectWrite => PlaceDirect(inode, ref state, block, end, in options),
                MappingUse.WriteBack => PlaceCached(inode, ref state, block, end, in options),
                MappingUse.Swap => Pin(inode),
                _ => Errno.Ok,
            };
        }
        if (error != Errno.Ok)
        {
            return error;
        }
        if (inode.Has(InodeFlags.InlineData))
        {
            mapping = maps.InlineMapping(block);
            return Errno.Ok;
        }
        DelegatedRun run = maps.Find(inode, maps.StateOf(inode), block, joins: use is not MappingUse.WriteBack);
        mapping = maps.MappingOf(inode, in run, block, use);
        return Errno.Ok;
    }

    /// <summary>First file block that a range of bytes does not touch.</summary>
    private ulong EndBlock(long offset, long length) => CeilingBlock(offset + Math.Max(length, 1));

    /// <summary>First file block that begins at or behind a place.</summary>
    private ulong CeilingBlock(long offset) =>
        Math.Min(((ulong)offset + (1ul << _blockShift) - 1) >> _blockShift, ExtentNodePlace.FileEnd);

    private Errno Pin(Inode inode)
    {
        MakeState(inode).IsPinned = true;
        return Errno.Ok;
    }
}
