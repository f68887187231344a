using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <content>The area of fast commits, which we write none of: see <see cref="JournalUpgrade"/>.</content>
public sealed partial class Journal
{
    /// <summary>Where the kernel will put fast commits, which our log may have used.</summary>
    private uint FastCommitArea => _context.Geometry.Compat.HasFlag(CompatFeatures.FastCommit)
        ? _geometry!.EndBlock - Math.Min(_geometry.FastCommitBlocks, _geometry.LogBlocks / 2)
        : _geometry!.EndBlock;

    /// <summary>Leaves nothing there that could be taken for a fast commit. The log is empty and that is durable: before,
    /// a power cut could have it replayed with its end missing.</summary>
    private void ClearFastCommitArea()
    {
        byte[] zeros = new byte[Cache.BlockSizeBytes];
        for (uint block = FastCommitArea; block < _geometry!.EndBlock; block++)
        {
            _source!.Log.Write(block, zeros);
        }
        if (FastCommitArea < _geometry.EndBlock)
        {
            _source!.Log.Device.Flush();
        }
    }
}
