using System.Text;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>A file in which every block is an extent of its own: every second one was written, the others have space
/// only.</summary>
internal static class FragmentedFile
{
    private const int Values = 250;

    /// <summary>What every byte of a block is.</summary>
    public static byte ContentOf(int block) => block % 2 == 0 ? (byte)0 : (byte)(1 + (block % Values));

    /// <summary>Made by the engine.</summary>
    public static void Make(string image, string name, int blocks, int blockBytes)
    {
        using Volume volume = Volume.Open(EngineVolume.Device(image, isReadOnly: false), new VolumeOptions());
        var caller = new Caller(0, 0);
        var options = new WriteOptions();
        Assert.Equal(Linux.Errno.Ok, volume.Create(
            InodeNumber.Root, Encoding.ASCII.GetBytes(name), 0x1A4, in caller, out InodeAttributes attributes));
        Assert.Equal(Linux.Errno.Ok, volume.Allocate(
            attributes.Number, FallocateMode.Allocate, 0, (long)blocks * blockBytes, in options));
        byte[] data = new byte[blockBytes];
        for (int block = 1; block < blocks; block += 2)
        {
            Array.Fill(data, ContentOf(block));
            Assert.Equal(Linux.Errno.Ok, volume.Write(attributes.Number, (long)block * blockBytes, data, in options, out _));
        }
    }
}
