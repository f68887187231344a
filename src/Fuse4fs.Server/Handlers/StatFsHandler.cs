using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>STATFS: the figures kernel ext4 gives.</summary>
internal static class StatFsHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref ReplyWriter reply)
    {
        VolumeStatistics statistics = NodeIds.TryInode(server, header.NodeId, out InodeNumber inode)
            ? server.Volume.Statistics(inode)
            : server.Volume.Statistics();
        ref StatFsOut slot = ref reply.Append<StatFsOut>();
        slot.Blocks = statistics.Blocks;
        slot.BlocksFree = statistics.FreeBlocks;
        slot.BlocksAvailable = statistics.AvailableBlocks;
        slot.Files = statistics.Inodes;
        slot.FilesFree = statistics.FreeInodes;
        slot.BlockSize = (uint)statistics.BlockSizeBytes;
        slot.FragmentSize = slot.BlockSize;
        slot.NameLength = (uint)statistics.MaximumNameBytes;
        return Errno.Ok;
    }
}
