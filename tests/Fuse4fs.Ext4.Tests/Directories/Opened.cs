using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Opens images for the tests of names and attributes.</summary>
internal static class Opened
{
    public static Volume ReadOnly(string image, IEngineEvents? events = null)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(image, isReadOnly: true, 0, isExclusive: false, out ImageFile? file));
        return Volume.Open(file!, new VolumeOptions { ReadOnly = true, Events = events ?? SilentEvents.Instance });
    }

    public static Volume ForWriting(string image, IEngineEvents? events = null)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(image, isReadOnly: false, 0, isExclusive: false, out ImageFile? file));
        Volume volume = Volume.Open(file!, new VolumeOptions { Events = events ?? SilentEvents.Instance });
        Assert.False(volume.IsReadOnly);
        return volume;
    }

    /// <summary>Follows a path from the root.</summary>
    public static InodeNumber Find(Volume volume, string path)
    {
        InodeNumber at = InodeNumber.Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Errno error = volume.Lookup(at, System.Text.Encoding.UTF8.GetBytes(name), out at);
            Assert.True(error == Errno.Ok, $"{path}: {error} at {name}");
        }
        return at;
    }
}
