using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>What the allocators of blocks and inodes share.</summary>
internal sealed record SpaceParts(
    VolumeContext Context,
    GroupTable Groups,
    SystemZones Zones,
    MapBudget Budget,
    FreeCounter Clusters,
    FreeCounter Inodes);
