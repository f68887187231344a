using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests;

/// <summary>Opens images as most tests want them.</summary>
internal static class VolumeOpening
{
    /// <summary>The image file as a device.</summary>
    public static ImageFile Device(string path, bool isReadOnly = true, long offsetBytes = 0)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(path, isReadOnly, offsetBytes, isExclusive: false, out ImageFile? device));
        return device!;
    }

    /// <summary>The volume in an image file, read-only.</summary>
    public static Volume ReadOnly(string path, IEngineEvents? events = null, ulong? superblock = null) =>
        Volume.Open(Device(path), new VolumeOptions
        {
            ReadOnly = true,
            Events = events ?? SilentEvents.Instance,
            SuperblockNumber = superblock,
        });
}
