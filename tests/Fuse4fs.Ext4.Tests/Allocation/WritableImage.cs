using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>An image opened for writing as far as allocation goes: device, journal, free space.</summary>
internal sealed class WritableImage : IDisposable
{
    private readonly Volume _volume;

    public WritableImage(TestImage image, IEngineEvents? events = null)
        : this(OpenFile(image), events)
    {
    }

    public WritableImage(IBlockDevice device, IEngineEvents? events = null)
    {
        var options = new VolumeOptions { Events = events ?? new FailingEvents(), CacheBytes = 16 << 20 };
        _volume = Volume.Open(device, options);
        Assert.False(_volume.IsReadOnly);
    }

    public Volume Volume => _volume;

    public VolumeContext Context => _volume.Context;

    public Geometry Geometry => Context.Geometry;

    public Journal Journal => _volume.Journal!;

    public FreeSpace Space => _volume.Space!;

    public BlockAllocator Blocks => Space.Blocks;

    public InodeAllocator Inodes => Space.Inodes;

    /// <summary>Runs one operation in a handle.</summary>
    public void Change(int credits, Action<Handle> change)
    {
        int forgets = Math.Min(2048, Journal.MaximumForgets);
        Assert.Equal(Errno.Ok, Journal.TryStart(credits, out Handle handle, forgets));
        using (handle)
        {
            change(handle);
            handle.Complete();
        }
    }

    /// <summary>Everything durable, and everything freed is free.</summary>
    public void Settle()
    {
        Assert.Equal(Errno.Ok, Journal.CommitAll());
        Space.Freed.TryReclaim(Journal, null, TimeSpan.FromMinutes(1));
    }

    public void Dispose() => _volume.Dispose();

    public static ImageFile OpenFile(TestImage image)
    {
        Errno error = ImageFile.Open(image.Path, isReadOnly: false, 0, isExclusive: false, out ImageFile? device);
        Assert.Equal(Errno.Ok, error);
        return device!;
    }

    /// <summary>Nothing on these images is damaged: a report is a bug.</summary>
    private sealed class FailingEvents : IEngineEvents
    {
        public void Damage(Ext4CorruptException damage, InodeNumber inode) =>
            throw new InvalidOperationException("damage", damage);

        public void Warning(string message) => throw new InvalidOperationException(message);

        public void DeviceFailed(DeviceException failure) => throw new InvalidOperationException("device", failure);
    }
}
