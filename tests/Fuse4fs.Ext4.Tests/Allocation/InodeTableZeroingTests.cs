using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Inode tables that mke2fs left unwritten, on a disk that was not blank.</summary>
public sealed class InodeTableZeroingTests
{
    [Theory]
    [InlineData("-t ext4 -b 1024 -E lazy_itable_init=1,nodiscard")]
    [InlineData("-t ext4 -b 4096 -O ^metadata_csum,uninit_bg -E lazy_itable_init=1,nodiscard")]
    public void All_tables_become_zero_and_are_marked_so(string options)
    {
        using var image = new TestImage(options, 160L << 20);
        string info = Tool.Check("dumpe2fs", image.Path);
        List<(ulong First, ulong End)> tables = Dumpe2fs.UnzeroedTables(info);
        Assert.NotEmpty(tables);
        int blockSize = (int)Dumpe2fs.Number(info, "Block size");
        Rubbish.Fill(image, tables, blockSize);
        using (var volume = new WritableImage(image))
        {
            Assert.True(SpinWait.SpinUntil(
                () => Enumerable.Range(0, (int)volume.Geometry.GroupCount).All(group => IsZeroed(volume, group)),
                TimeSpan.FromMinutes(2)));
        }
        image.AssertClean();
        Assert.Empty(Dumpe2fs.UnzeroedTables(Tool.Check("dumpe2fs", image.Path)));
        using FileStream file = File.OpenRead(image.Path);
        byte[] block = new byte[blockSize];
        foreach ((ulong first, ulong end) in tables)
        {
            for (ulong number = first; number < end; number++)
            {
                file.Seek((long)number * blockSize, SeekOrigin.Begin);
                file.ReadExactly(block);
                Assert.Equal(-1, block.AsSpan().IndexOfAnyExcept((byte)0));
            }
        }
    }

    private static bool IsZeroed(WritableImage volume, int group)
    {
        (FsBlock block, int offset) = volume.Geometry.DescriptorOf(new GroupNumber((uint)group));
        using BlockLease lease = volume.Context.Cache.Read(block);
        return volume.Context.Descriptors.View(lease, offset).Flags.HasFlag(GroupFlags.InodeTableZeroed);
    }
}
