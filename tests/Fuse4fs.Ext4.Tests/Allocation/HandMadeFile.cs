using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>A file put together from allocated pieces, so that e2fsck can judge them: an inode, up to four extents,
/// and a name given by debugfs afterwards.</summary>
internal sealed class HandMadeFile
{
    private const ushort RegularFile = 0x81A4;
    private const ushort Directory = 0x41ED;
    private const int InlineExtents = 4;

    private readonly List<BlockRun> _runs = [];

    public InodeNumber Number { get; private set; }

    public uint Generation { get; private set; }

    public IReadOnlyList<BlockRun> Runs => _runs;

    /// <summary>Allocates and writes a regular file in one handle.</summary>
    /// <returns>Null when there is no space for it.</returns>
    public static HandMadeFile? TryCreate(WritableImage volume, InodeNumber parent, uint blocks)
    {
        var file = new HandMadeFile();
        if (volume.Inodes.Reserve(parent, isDirectory: false, isTop: false, out InodeReservation inode) != Errno.Ok)
        {
            return null;
        }
        (file.Number, file.Generation) = (inode.Number, inode.Generation);
        uint total = 0;
        while (total < blocks && file._runs.Count < InlineExtents)
        {
            var goal = new AllocationGoal { Owner = inode.Number, IsFileData = true };
            if (volume.Blocks.Reserve(in goal, blocks - total, SpaceClaim.Ordinary, out BlockRun run) != Errno.Ok)
            {
                break;
            }
            file._runs.Add(run);
            total += run.LengthBlocks;
        }
        volume.Change(InodeAllocator.CommitCredits + 1 + (InlineExtents * BlockAllocator.CommitCredits), handle =>
        {
            volume.Inodes.Commit(handle, inode);
            file._runs.ForEach(run => volume.Blocks.Commit(handle, run));
            file.WriteRecord(volume, handle, RegularFile, total);
        });
        return file;
    }

    /// <summary>Frees all of it in one handle, as a delete does.</summary>
    public void Delete(WritableImage volume)
    {
        volume.Inodes.PrepareFree(Number);
        _runs.ForEach(volume.Blocks.PrepareFree);
        volume.Change(64, handle =>
        {
            _runs.ForEach(run => volume.Blocks.Free(handle, run, isMetadata: false));
            volume.Inodes.Free(handle, Number, isDirectory: false);
            (FsBlock block, int offset) = Locate(volume);
            using BlockLease lease = handle.Update(block);
            Span<byte> record = lease.Bytes.Slice(offset, volume.Geometry.InodeSizeBytes);
            ref InodeRecord raw = ref Disk.At<InodeRecord>(record, 0);
            raw.LinkCount = 0;
            raw.DeletionTime = 1_700_000_000;
            Seal(volume, record);
        });
    }

    /// <summary>Gives every file a name in lost+found's parent.</summary>
    public static void Link(TestImage image, IEnumerable<HandMadeFile> files)
    {
        string[] requests =
        [
            "expand_dir /", "expand_dir /", "expand_dir /",
            .. files.Select(file => $"ln <{file.Number}> /f{file.Number}"),
        ];
        if (requests.Length > 3)
        {
            Debugfs.Write(image.Path, requests);
        }
    }

    private (FsBlock Block, int Offset) Locate(WritableImage volume)
    {
        uint index = volume.Geometry.IndexInGroup(Number);
        FsBlock table = volume.Context.Descriptors.InodeTable(volume.Geometry.GroupOf(Number));
        return (table + (index / (uint)volume.Geometry.InodesPerBlock),
            (int)(index % (uint)volume.Geometry.InodesPerBlock) * volume.Geometry.InodeSizeBytes);
    }

    private void WriteRecord(WritableImage volume, Handle handle, ushort mode, uint blocks)
    {
        (FsBlock block, int offset) = Locate(volume);
        using BlockLease lease = handle.Update(block);
        Span<byte> record = lease.Bytes.Slice(offset, volume.Geometry.InodeSizeBytes);
        record.Clear();
        ref InodeRecord raw = ref Disk.At<InodeRecord>(record, 0);
        raw.Mode = mode;
        raw.LinkCount = 1;
        raw.SizeLow = blocks * (uint)volume.Geometry.BlockSizeBytes;
        raw.BlockCountLow = blocks * (uint)(volume.Geometry.BlockSizeBytes / 512);
        raw.Flags = (uint)InodeFlags.Extents;
        raw.Generation = Generation;
        Span<byte> root = record[0x28..];
        Disk.At<Le16>(root, 0) = 0xF30A;
        Disk.At<Le16>(root, 2) = (ushort)_runs.Count;
        Disk.At<Le16>(root, 4) = InlineExtents;
        uint at = 0;
        for (int i = 0; i < _runs.Count; i++)
        {
            Span<byte> entry = root[(12 + (12 * i))..];
            Disk.At<Le32>(entry, 0) = at;
            Disk.At<Le16>(entry, 4) = (ushort)_runs[i].LengthBlocks;
            Disk.At<Le32>(entry, 8) = (uint)_runs[i].Start.Value;
            at += _runs[i].LengthBlocks;
        }
        if (record.Length > InodeRecord.SizeBytes)
        {
            Disk.At<Le16>(record, InodeRecord.SizeBytes) = InodeExtraRecord.SizeBytes;
        }
        Seal(volume, record);
    }

    private void Seal(WritableImage volume, Span<byte> record)
    {
        if (volume.Context.Checksums.IsEnabled)
        {
            Checksums.StoreInInode(volume.Context.Checksums.InodeSeed(Number, Generation), record);
        }
    }
}
