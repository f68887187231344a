using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Quota;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Quota;

/// <content>Looking into images by debugfs.</content>
public sealed partial class QuotaTests
{
    private const int BlockBytes = 1024;
    /// <summary>Behind the header and the nodes of the first path.</summary>
    private const int FirstLeaf = 5;
    private const int LeafHeaderBytes = 16;
    private const int RecordBytes = 72;
    /// <summary>dqi_blocks in the header.</summary>
    private const int BlockCountOffset = 20;

    private static byte[] Name(string name) => Encoding.ASCII.GetBytes(name);

    private static Volume Open(string path, QuotaLimitKinds limits = default, TimeProvider? clock = null)
    {
        Errno error = ImageFile.Open(path, isReadOnly: false, 0, isExclusive: false, out ImageFile? device);
        Assert.Equal(Errno.Ok, error);
        var volume = Volume.Open(device!, new VolumeOptions
        {
            QuotaLimits = limits,
            Events = new Allocation.CollectedEvents(),
            Clock = clock ?? TimeProvider.System,
        });
        Assert.False(volume.IsReadOnly);
        return volume;
    }

    private static InodeNumber Make(Volume volume, string name, uint owner)
    {
        var caller = new Caller(owner, owner);
        Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, Name(name), 0x1A4, in caller, out InodeAttributes made));
        return made.Number;
    }

    private static InodeNumber Find(Volume volume, string name)
    {
        Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, Name(name), out InodeNumber number));
        return number;
    }

    private static uint InodeOf(string path, QuotaKind kind)
    {
        string report = Tool.Check("dumpe2fs", "-h", path);
        return (uint)Allocation.Dumpe2fs.Number(report, $"{kind} quota inode");
    }

    private static byte[] DumpQuotaFile(string path, QuotaKind kind)
    {
        using var directory = new TemporaryDirectory();
        Debugfs.Read(path, $"dump <{InodeOf(path, kind)}> {directory.Combine("quota")}");
        return File.ReadAllBytes(directory.Combine("quota"));
    }

    /// <summary>Where a byte of a quota file is in the image.</summary>
    private static long Locate(string path, QuotaKind kind, int place)
    {
        string info = Tool.Check("dumpe2fs", "-h", path);
        long blockBytes = (long)Allocation.Dumpe2fs.Number(info, "Block size");
        string answer = Debugfs.Read(path, $"bmap <{InodeOf(path, kind)}> {place / blockBytes}");
        long block = long.Parse(answer.Split('\n').Last(line => line.Length > 0), CultureInfo.InvariantCulture);
        return (block * blockBytes) + (place % blockBytes);
    }

    /// <summary>What setquota(8) does, on the image.</summary>
    private static void SetLimits(
        string path, QuotaKind kind, uint id, ulong spaceKibibytes, ulong inodes, ulong softKibibytes = 0)
    {
        byte[] file = DumpQuotaFile(path, kind);
        for (int block = FirstLeaf; block < file.Length / BlockBytes; block++)
        {
            for (int at = LeafHeaderBytes; at + RecordBytes <= BlockBytes; at += RecordBytes)
            {
                int place = (block * BlockBytes) + at;
                Span<byte> record = file.AsSpan(place, RecordBytes);
                if (BinaryPrimitives.ReadUInt32LittleEndian(record) != id
                    || BinaryPrimitives.ReadUInt64LittleEndian(record[24..]) == 0)
                {
                    continue;
                }
                BinaryPrimitives.WriteUInt64LittleEndian(record[8..], inodes);
                BinaryPrimitives.WriteUInt64LittleEndian(record[32..], spaceKibibytes);
                BinaryPrimitives.WriteUInt64LittleEndian(record[40..], softKibibytes);
                using FileStream stream = File.OpenWrite(path);
                stream.Position = Locate(path, kind, place);
                stream.Write(record);
                return;
            }
        }
        Assert.Fail($"no record of {kind} {id}");
    }
}
