using System.Diagnostics;
using System.Globalization;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Fuse;

namespace Fuse4fs.Server.Control;

/// <summary>Makes a <see cref="ServerStatus"/>.</summary>
internal static class StatusReport
{
    private const double Median = 0.5, Ninetieth = 0.9, NinetyNinth = 0.99;

    public static ServerStatus Of(ServedVolume server)
    {
        Volume volume = server.Volume;
        OperationStatus[] operations = Operations(server.Session?.Counts() ?? []);
        VolumeStatistics space = volume.Statistics();
        ulong block = (ulong)space.BlockSizeBytes;
        return new ServerStatus
        {
            Image = server.Source.Path,
            MountPoint = server.MountPoint,
            Device = server.MountDevice,
            Mode = ModeOf(server),
            Waiting = server.Freezer.Waiting,
            Process = Environment.ProcessId,
            Protocol = string.Create(CultureInfo.InvariantCulture,
                $"7.{server.Capabilities.Minor}, {server.Capabilities.Flags}"),
            UptimeSeconds = Stopwatch.GetElapsedTime(server.StartedAt).TotalSeconds,
            Operations = operations,
            Cache = new CacheStatus(volume.Context.Cache.Requests, volume.Context.Cache.Misses,
                volume.Context.Cache.AllocatedBytes),
            Journal = JournalOf(volume),
            Space = new SpaceStatus(space.Blocks * block, space.FreeBlocks * block, space.AvailableBlocks * block,
                space.Inodes, space.FreeInodes),
            WrittenBytes = volume.Context.Device.WrittenBytes,
            RecordedErrors = volume.Context.CopySuperblock().ErrorCount,
            FailedRequests = operations.Sum(static operation => operation.Errors),
        };
    }

    private static string ModeOf(ServedVolume server) => server.IsShutDown || server.IsPanicked ? "shut down"
        : server.Freezer.IsFrozen ? "frozen"
        : server.IsReadOnly ? "read-only"
        : server.Volume.IsReadOnly ? "read-only after an error" : "read-write";

    private static JournalStatus? JournalOf(Volume volume)
    {
        if (volume.JournalFill is not JournalFill fill)
        {
            return null;
        }
        long block = volume.Context.Geometry.BlockSizeBytes;
        return new JournalStatus(fill.LogBlocks * block, fill.UsedBlocks * block, fill.DirtyBytes, fill.Commits);
    }

    private static OperationStatus[] Operations(OperationCount[] counts)
    {
        var operations = new List<OperationStatus>();
        for (int slot = 0; slot < counts.Length; slot++)
        {
            ref readonly OperationCount count = ref counts[slot];
            if (count.Requests > 0)
            {
                operations.Add(new OperationStatus(OperationTable.NameOf(slot), count.Requests, count.Errors,
                    Math.Round(count.Total.TotalMilliseconds, 3), count.Percentile(Median), count.Percentile(Ninetieth),
                    count.Percentile(NinetyNinth), Math.Round(count.Longest.TotalMicroseconds, 1)));
            }
        }
        return [.. operations];
    }
}
