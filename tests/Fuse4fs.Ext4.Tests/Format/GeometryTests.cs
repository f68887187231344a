using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Format;

public sealed class GeometryTests
{
    public static TheoryData<string> Layouts() =>
    [
        "-t ext4", "-t ext4 -b 1024", "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode", "-t ext4 -O ^64bit -b 2048",
        "-t ext4 -O ^metadata_csum,uninit_bg -b 1024", "-t ext4 -O sparse_super2,^resize_inode -b 1024 -g 512",
        "-t ext4 -O ^sparse_super,^resize_inode -b 1024 -g 2048", "-t ext4 -O ^flex_bg -b 1024",
        "-t ext4 -O bigalloc -b 1024 -C 8192", "-t ext4 -O metadata_csum_seed -b 1024", "-t ext3 -b 1024", "-t ext2",
        "-t ext4 -b 65536", "-t ext4 -b 16384 -O ^64bit",
    ];

    /// <summary>dumpe2fs prints, per group, where its structures are.</summary>
    [Theory]
    [MemberData(nameof(Layouts))]
    public void Groups_are_where_dumpe2fs_finds_them(string options)
    {
        using var image = new TestImage(options, 128L << 20);
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        Geometry geometry = volume.Context.Geometry;
        string[] lines = Tool.Check("dumpe2fs", image.Path).Split('\n');
        uint groups = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("Group ", StringComparison.Ordinal) || !char.IsDigit(lines[i][6]))
            {
                continue;
            }
            string text = string.Join(' ', lines.Skip(i).TakeWhile((line, at) => at == 0 || line.StartsWith("  ")));
            var group = new GroupNumber(uint.Parse(lines[i].Split(' ', ':')[1]));
            Assert.StartsWith($"Group {group}: (Blocks {geometry.FirstBlock(group)}-", lines[i]);
            Assert.Contains($"-{geometry.FirstBlock(group).Value + geometry.BlocksIn(group) - 1})", lines[i]);
            Assert.Equal(
                geometry.HasSuperblock(group), text.Contains("superblock at", StringComparison.Ordinal));
            Assert.Contains($"Inode table at {volume.Context.Descriptors.InodeTable(group)}-", text);
            AssertCounts(volume, group, text);
            groups++;
        }
        Assert.Equal(geometry.GroupCount, groups);
    }

    /// <summary>A superblock of random damage is refused or harmless.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024", 1)]
    [InlineData("-t ext4 -O bigalloc", 2)]
    [InlineData("-t ext4 -O meta_bg,^resize_inode,^metadata_csum -b 1024 -g 1024", 3)]
    public void Damaged_superblocks_are_refused_or_harmless(string options, int seed)
    {
        using var image = new TestImage(options, 16L << 20);
        byte[] original = File.ReadAllBytes(image.Path);
        var random = new Random(seed);
        for (int round = 0; round < 400; round++)
        {
            byte[] bytes = (byte[])original.Clone();
            Span<byte> super = bytes.AsSpan(Superblock.PrimaryOffsetBytes, Superblock.SizeBytes);
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int at = random.Next(4) == 0 ? random.Next(Superblock.SizeBytes) : random.Next(0x68);
                super[at] = random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => (byte)random.Next(256) };
            }
            MemoryMarshal.AsRef<Superblock>(super).Checksum = Checksums.OfSuperblock(super);
            TryUse(bytes, $"seed {seed} round {round}");
        }
    }

    private static void AssertCounts(Volume volume, GroupNumber group, string text)
    {
        (FsBlock block, int offset) = volume.Context.Geometry.DescriptorOf(group);
        using BlockLease lease = volume.Context.Cache.Read(block);
        GroupDescriptorView view = volume.Context.Descriptors.View(lease, offset);
        volume.Context.Descriptors.Verify(group, view);
        string unit = volume.Context.Geometry.ClusterShift == 0 ? "blocks" : "clusters";
        Assert.Contains($"{view.FreeClusters} free {unit}, {view.FreeInodes} free inodes, {view.Directories} dir", text);
        Assert.Contains($"Block bitmap at {view.BlockBitmap} ", text);
        Assert.Contains($"Inode bitmap at {view.InodeBitmap} ", text);
    }

    private static void TryUse(byte[] image, string what)
    {
        try
        {
            using Volume volume = Volume.Open(new MemoryDevice(image), new VolumeOptions { ReadOnly = true });
            volume.GetAttributes(InodeNumber.Root, out _);
            volume.Statistics();
        }
        catch (Exception refused) when (refused is VolumeRefusedException or Ext4CorruptException)
        {
        }
        catch (Exception other)
        {
            Assert.Fail($"{what}: {other}");
        }
    }
}
