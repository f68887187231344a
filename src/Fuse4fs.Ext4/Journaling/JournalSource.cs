using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>A journal that was found and whose superblock was accepted: what recovery and the running journal start
/// from.</summary>
internal sealed class JournalSource
{
    private readonly byte[] _superblock;

    private JournalSource(LogDevice log, byte[] superblock, JournalGeometry geometry, uint minimumBlocks)
    {
        Log = log;
        MinimumBlocks = minimumBlocks;
        Geometry = geometry;
        _superblock = superblock;
    }

    public LogDevice Log { get; }

    public JournalGeometry Geometry { get; }

    /// <summary>Shorter journals are refused.</summary>
    public uint MinimumBlocks { get; }

    /// <summary>s_start: 0 when the log holds nothing to replay.</summary>
    public uint StartBlock => Superblock.StartBlock;

    /// <summary>s_sequence: the transaction at <see cref="StartBlock"/>.</summary>
    public uint Sequence => Superblock.Sequence;

    /// <summary>s_errno: what an aborted journal left behind; 0 when nothing.</summary>
    public int Error => unchecked((int)(uint)Superblock.RawError);

    /// <summary>The journal superblock as it was read.</summary>
    public ref readonly JournalSuperblock Superblock =>
        ref MemoryMarshal.AsRef<JournalSuperblock>(_superblock.AsSpan());

    /// <summary>The block of the superblock, for a writer of its own.</summary>
    public byte[] CopySuperblock() => (byte[])_superblock.Clone();

    /// <summary>Its facts for people.</summary>
    public JournalFacts Describe(in RecoveryResult recovery) => new()
    {
        IsExternal = Log.IsExternal,
        LengthBlocks = Geometry.LengthBlocks,
        BlockSizeBytes = Geometry.BlockSizeBytes,
        Sequence = Sequence,
        StartBlock = StartBlock,
        Error = Error,
        Features = FeatureList(),
        ReplayedTransactions = recovery.TransactionCount,
        ReplayedBlocks = recovery.BlockCount,
    };

    /// <summary>Opens a journal kept in an inode of the file system.</summary>
    /// <param name="device">The file system's device.</param>
    /// <param name="blockSizeBytes">Its block size.</param>
    /// <param name="runs">The inode's blocks from 0 without a hole.</param>
    /// <param name="minimumBlocks">Shorter journals are refused; tests use short ones, to see them wrap.</param>
    /// <exception cref="Ext4CorruptException">The map or the superblock is damaged.</exception>
    /// <exception cref="NotSupportedException">The journal has unknown features.</exception>
    public static JournalSource OpenInternal(
        IBlockDevice device, int blockSizeBytes, IReadOnlyList<LogRun> runs,
        uint minimumBlocks = JournalGeometry.MinimumLogBlocks) =>
        Open(new LogDevice(device, isExternal: false, blockSizeBytes, runs, superblockAt: 0), minimumBlocks);

    /// <summary>Opens a journal on a device of its own.</summary>
    /// <param name="device">The journal's device.</param>
    /// <param name="blockSizeBytes">The file system's block size.</param>
    /// <param name="expectedUuid">s_journal_uuid of the file system.</param>
    /// <exception cref="Ext4CorruptException">It is no journal device of this file system.</exception>
    /// <exception cref="NotSupportedException">The journal has unknown features or more than one user.</exception>
    /// <remarks>Docs: ext4/journal, "External Journal". Log blocks are counted from the device's block 0.</remarks>
    public static JournalSource OpenExternal(
        IBlockDevice device, int blockSizeBytes, ReadOnlySpan<byte> expectedUuid)
    {
        uint blocks = ExternalJournalHeader.ReadLength(device, blockSizeBytes, expectedUuid);
        uint superblockAt = (uint)(ExternalJournalHeader.OffsetBytes / blockSizeBytes) + 1;
        JournalSource source = Open(new LogDevice(
            device, isExternal: true, blockSizeBytes, [new LogRun(0, new FsBlock(0), blocks)], superblockAt));
        if (source.Superblock.UserCount > 1)
        {
            throw new NotSupportedException("the external journal is shared by several file systems");
        }
        return source;
    }

    private static JournalSource Open(LogDevice log, uint minimumBlocks = JournalGeometry.MinimumLogBlocks)
    {
        byte[] block = GC.AllocateUninitializedArray<byte>(log.BlockSizeBytes, pinned: true);
        log.Read(log.SuperblockAt, block);
        JournalGeometry geometry = JournalGeometry.Decode(block, log.BlockSizeBytes, log.LengthBlocks, minimumBlocks);
        if (geometry.FirstBlock <= log.SuperblockAt)
        {
            Ext4CorruptException.Throw(Corruption.JournalSuperblock, "journal superblock: first block");
        }
        return new JournalSource(log, block, geometry, minimumBlocks);
    }

    private string FeatureList()
    {
        var names = new List<string>();
        void Add(bool isPresent, string name)
        {
            if (isPresent)
            {
                names.Add(name);
            }
        }
        Add(Geometry.HasChecksumV1, "journal_checksum");
        Add((Geometry.Incompat & JournalIncompatFeatures.Revoke) != 0, "journal_incompat_revoke");
        Add(Geometry.Has64Bit, "journal_64bit");
        Add(Geometry.HasAsyncCommit, "journal_async_commit");
        Add(Geometry.HasChecksumV2, "journal_checksum_v2");
        Add(Geometry.HasChecksumV3, "journal_checksum_v3");
        Add(Geometry.HasFastCommits, "fast_commit");
        return string.Join(' ', names);
    }
}
