using System.Globalization;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Mapping;

/// <summary>A volume in memory, opened for writing, with one empty file in it; e2fsck judges it in the end.</summary>
internal sealed class WritableVolume : IDisposable
{
    private readonly TestImage _image;
    private readonly MemoryDevice _device;

    public WritableVolume(string options, long sizeBytes = 32L << 20, DataMode? mode = null)
    {
        using var contents = new TemporaryDirectory();
        System.IO.File.WriteAllBytes(contents.Combine("file"), []);
        _image = new TestImage(options, sizeBytes, contents.Path);
        string text = Debugfs.Read(_image.Path, "stat /file");
        File = new InodeNumber(uint.Parse(text.Split("Inode: ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
        _device = MemoryDevice.Load(_image.Path);
        Volume = Volume.Open(_device, new VolumeOptions { DataMode = mode });
        Assert.False(Volume.IsReadOnly);
    }

    public Volume Volume { get; }

    /// <summary>The empty file.</summary>
    public InodeNumber File { get; }

    public InodeReference Acquire()
    {
        Assert.Equal(Errno.Ok, Volume.Inodes.Acquire(File, out InodeReference reference));
        return reference;
    }

    public InodeAttributes Attributes()
    {
        Assert.Equal(Errno.Ok, Volume.GetAttributes(File, out InodeAttributes attributes));
        return attributes;
    }

    /// <summary>Changes fields of the file's inode.</summary>
    public void Change(Action<Inode> change)
    {
        using InodeReference reference = Acquire();
        using (reference.Inode.Lock.Exclusive())
        {
            Assert.Equal(Errno.Ok, Volume.Journal!.TryStart(Volume.Inodes.StoreCredits, out Handle handle));
            using (handle)
            {
                change(reference.Inode);
                Volume.Inodes.Store(handle, reference.Inode);
                handle.Complete();
            }
        }
    }

    /// <summary>Unmounts and lets e2fsck look; the image may be examined further.</summary>
    public string CloseAndCheck()
    {
        Volume.Dispose();
        _device.Save(_image.Path);
        E2fsck.AssertClean(_image.Path);
        return _image.Path;
    }

    public void Dispose() => _image.Dispose();
}
