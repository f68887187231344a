using System.Text.RegularExpressions;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>A hostile image maps a file onto the file system's own blocks, far away: the kernel is never told to write
/// there.</summary>
public sealed partial class VolumeZoneTests
{
    /// <summary>More blocks of descriptors than are looked at before an ordinary mount.</summary>
    private const long ImageBytes = 20L << 30;

    [Fact]
    public void A_far_table_is_known_from_the_first_question_on()
    {
        using var image = new TestImage(
            "-t ext4 -b 1024 -O ^extent,^64bit,^flex_bg,^metadata_csum,^resize_inode -N 50000 -E lazy_itable_init=1", ImageBytes);
        string groups = Tool.Check("dumpe2fs", image.Path);
        Match table = FarTable().Match(groups);
        Assert.True(table.Success, "dumpe2fs does not tell of the group");
        string block = table.Groups[1].Value;
        string source = image.Directory.Combine("source");
        File.WriteAllText(source, "x");
        Tool.Check("debugfs", "-w", "-R", $"write {source} hostile", image.Path);
        Tool.Check("debugfs", "-w", "-R", $"sif hostile block[0] {block}", image.Path);
        var device = new LazyDevice(EngineVolume.Device(image.Path, isReadOnly: false));
        using Volume volume = Volume.Open(device, new VolumeOptions { TellsPlaces = true });
        using LazyDevice goesOn = device;
        Assert.Equal(Linux.Errno.Ok, volume.Lookup(InodeNumber.Root, "hostile"u8, out InodeNumber number));
        Assert.Throws<Ext4CorruptException>(() => volume.TryMapDelegated(
            number, MappingUse.DirectWrite, 0, 1024, out _, out _));
    }

    /// <summary>Gives nothing to other threads before it is told to: what is read beside everything else comes too late.
    /// </summary>
    private sealed class LazyDevice(IBlockDevice inner) : IBlockDevice
    {
        private readonly ManualResetEventSlim _mayGoOn = new();
        private readonly int _opener = Environment.CurrentManagedThreadId;

        public long LengthBytes => inner.LengthBytes;

        public bool IsReadOnly => inner.IsReadOnly;

        public void Read(long offsetBytes, Span<byte> buffer)
        {
            if (Environment.CurrentManagedThreadId != _opener)
            {
                _mayGoOn.Wait();
            }
            inner.Read(offsetBytes, buffer);
        }

        public void Write(long offsetBytes, ReadOnlySpan<byte> buffer) => inner.Write(offsetBytes, buffer);

        public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers) =>
            inner.WriteVectored(offsetBytes, buffers);

        public void Flush() => inner.Flush();

        public void Discard(long offsetBytes, long lengthBytes) => inner.Discard(offsetBytes, lengthBytes);

        public void WriteZeros(long offsetBytes, long lengthBytes) => inner.WriteZeros(offsetBytes, lengthBytes);

        /// <summary>The first time lets others go on, the second time, by the volume, closes.</summary>
        public void Dispose()
        {
            if (_mayGoOn.IsSet)
            {
                inner.Dispose();
            }
            _mayGoOn.Set();
        }
    }

    [GeneratedRegex(@"Group 2400:.*?Inode table at (\d+)", RegexOptions.Singleline)]
    private static partial Regex FarTable();
}
