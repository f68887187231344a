using System.Globalization;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>What fuse4fs info tells of a volume.</summary>
internal sealed class VolumeFacts
{
    private const IncompatFeatures OnlyExt4 =
        IncompatFeatures.Extents | IncompatFeatures.Bits64 | IncompatFeatures.FlexibleGroups;

    private VolumeFacts(IReadOnlyList<FactSection> sections) => Sections = sections;

    /// <summary>In the order they are shown.</summary>
    public IReadOnlyList<FactSection> Sections { get; }

    /// <summary>Collects them.</summary>
    public static VolumeFacts Of(Volume volume)
    {
        Superblock super = volume.Context.CopySuperblock();
        var sections = new List<FactSection>
        {
            Identity(volume, in super),
            Features(volume.Context.Geometry),
            Shape(volume.Context.Geometry, in super),
            Space(volume, in super),
            State(in super),
        };
        if (volume.JournalFacts is JournalFacts journal)
        {
            sections.Add(Journal(journal, in super));
        }
        return new VolumeFacts(sections);
    }

    private static FactSection Identity(Volume volume, in Superblock super)
    {
        Span<byte> label = stackalloc byte[Volume.MaximumLabelBytes];
        int length = volume.GetLabel(label);
        return new FactSection("volume", "Volume",
        [
            new("kind", "kind", KindOf(volume.Context.Geometry)),
            new("label", "label", EscapedName.Of(label[..length])),
            new("uuid", "UUID", UuidText.Of(super.Uuid)),
            new("created", "created", Time(super.MakeTimeLow, super.MakeTimeHigh)),
            new("lastMountedOn", "last mounted on", TextOf(super.LastMounted)),
            new("superblock", "superblock at byte", volume.Context.Geometry.SuperblockOffsetBytes),
        ]);
    }

    private static FactSection Features(Geometry geometry) => new("features", "Features",
    [
        new("compatible", "compatible", Words(FeatureNames.Of(geometry.Compat))),
        new("incompatible", "incompatible", Words(FeatureNames.Of(geometry.Incompat))),
        new("readOnlyCompatible", "read-only compatible", Words(FeatureNames.Of(geometry.RoCompat))),
    ]);

    private static FactSection Shape(Geometry geometry, in Superblock super) => new("geometry", "Geometry",
    [
        new("blockSize", "block size", (long)geometry.BlockSizeBytes),
        new("clusterBlocks", "blocks per cluster", (long)geometry.BlocksPerCluster),
        new("blocks", "blocks", geometry.BlockCount),
        new("firstDataBlock", "first data block", (long)geometry.FirstDataBlock),
        new("groups", "groups", (long)geometry.GroupCount),
        new("blocksPerGroup", "blocks per group", (long)geometry.BlocksPerGroup),
        new("inodesPerGroup", "inodes per group", (long)geometry.InodesPerGroup),
        new("flexGroups", "groups per flexible group", 1L << geometry.LogGroupsPerFlex),
        new("descriptorSize", "descriptor size", (long)geometry.DescriptorSizeBytes),
        new("inodes", "inodes", (long)geometry.InodeCount),
        new("inodeSize", "inode size", (long)geometry.InodeSizeBytes),
        new("firstInode", "first inode", (long)geometry.FirstInode.Value),
        new("hash", "default directory hash", super.DefaultHashVersion switch
        {
            0 => "legacy",
            1 => "half_md4",
            2 => "tea",
            6 => "siphash",
            byte other => other.ToString(CultureInfo.InvariantCulture),
        }),
    ]);

    private static FactSection Space(Volume volume, in Superblock super)
    {
        VolumeStatistics statistics = volume.Statistics();
        ulong size = (ulong)statistics.BlockSizeBytes;
        return new FactSection("space", "Space",
        [
            new("usableBlocks", "usable blocks", statistics.Blocks),
            new("freeBlocks", "free blocks", statistics.FreeBlocks, Amount(statistics.FreeBlocks, size)),
            new("availableBlocks", "available to users", statistics.AvailableBlocks,
                Amount(statistics.AvailableBlocks, size)),
            new("reservedBlocks", "reserved blocks", super.ReservedBlockCount),
            new("freeInodes", "free inodes", (long)statistics.FreeInodes),
        ]);
    }

    private static FactSection State(in Superblock super)
    {
        bool hasErrors = super.ErrorCount != 0;
        return new FactSection("state", "State",
        [
            new("state", "state", ((VolumeStates)(ushort)super.State).ToString()),
            new("errorsPolicy", "on errors", (ushort)super.ErrorsPolicy switch
            {
                1 => "continue",
                2 => "remount-ro",
                3 => "panic",
                ushort other => other.ToString(CultureInfo.InvariantCulture),
            }),
            new("lastMounted", "last mounted", Time(super.MountTimeLow, super.MountTimeHigh)),
            new("lastWritten", "last written", Time(super.WriteTimeLow, super.WriteTimeHigh)),
            new("lastChecked", "last checked", Time(super.LastCheckLow, super.LastCheckHigh)),
            new("mountCount", "mounts since check", (long)super.MountCount),
            new("kilobytesWritten", "written in its life", (ulong)super.KilobytesWritten,
                $"{(ulong)super.KilobytesWritten} KiB"),
            new("lastOrphan", "first orphan inode", super.LastOrphan == 0 ? null : (long)super.LastOrphan),
            new("errorCount", "errors recorded", hasErrors ? (long)super.ErrorCount : null),
            new("firstError", "first error",
                hasErrors ? ErrorText(super.FirstErrorFunction, super.FirstErrorLine, super.FirstErrorInode) : null),
            new("lastError", "last error",
                hasErrors ? ErrorText(super.LastErrorFunction, super.LastErrorLine, super.LastErrorInode) : null),
            new("lastErrorTime", "time of last error",
                hasErrors ? Time(super.LastErrorTimeLow, super.LastErrorTimeHigh) : null),
        ]);
    }

    private static FactSection Journal(JournalFacts journal, in Superblock super) => new("journal", "Journal",
    [
        new("external", "on another device", journal.IsExternal),
        new("inode", "inode", journal.IsExternal ? null : (long)super.JournalInode),
        new("blocks", "blocks", (long)journal.LengthBlocks,
            Amount(journal.LengthBlocks, (ulong)journal.BlockSizeBytes)),
        new("features", "features", Words(journal.Features)),
        new("sequence", "sequence", (long)journal.Sequence),
        new("start", "start", (long)journal.StartBlock),
        new("error", "error", journal.Error == 0 ? null : (long)journal.Error),
        new("replayedTransactions", "transactions replayed", (long)journal.ReplayedTransactions),
        new("replayedBlocks", "blocks replayed", (long)journal.ReplayedBlocks),
    ]);

    private static string KindOf(Geometry geometry) =>
        (geometry.Incompat & OnlyExt4) != 0 || geometry.HasMetadataChecksums
            ? "ext4"
            : geometry.Compat.HasFlag(CompatFeatures.HasJournal) ? "ext3" : "ext2";

    private static string[] Words(string list) => list.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string? Time(uint low, byte high)
    {
        long seconds = ((long)high << 32) | low;
        return seconds == 0 ? null : TimeText.Short(new Timestamp(seconds, 0)) + " UTC";
    }

    private static string Amount(ulong blocks, ulong blockSize) =>
        string.Create(CultureInfo.InvariantCulture, $"{blocks} ({blocks * (double)blockSize / (1 << 20):0.0} MiB)");

    private static string? TextOf(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        string text = EscapedName.Of(end < 0 ? field : field[..end]);
        return text.Length == 0 ? null : text;
    }

    private static string ErrorText(ReadOnlySpan<byte> function, uint line, uint inode) =>
        string.Create(CultureInfo.InvariantCulture, $"{TextOf(function)}:{line}, inode {inode}");
}
