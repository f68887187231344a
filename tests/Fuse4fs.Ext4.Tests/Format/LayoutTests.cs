using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Format;

/// <summary>Sizes and offsets as the format document gives them.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Structures_have_their_sizes()
    {
        Assert.Equal(1024, Unsafe.SizeOf<Superblock>());
        Assert.Equal(128, Unsafe.SizeOf<InodeRecord>());
        Assert.Equal(32, Unsafe.SizeOf<InodeExtraRecord>());
        Assert.Equal(12, Unsafe.SizeOf<ExtentHeader>());
        Assert.Equal(12, Unsafe.SizeOf<ExtentEntry>());
        Assert.Equal(12, Unsafe.SizeOf<ExtentIndex>());
        Assert.Equal(60, Unsafe.SizeOf<BlockArea>());
    }

    [Theory]
    [InlineData(nameof(Superblock.Magic), 0x38)]
    [InlineData(nameof(Superblock.FirstInode), 0x54)]
    [InlineData(nameof(Superblock.Incompat), 0x60)]
    [InlineData(nameof(Superblock.Uuid), 0x68)]
    [InlineData(nameof(Superblock.ReservedDescriptorBlocks), 0xCE)]
    [InlineData(nameof(Superblock.JournalInode), 0xE0)]
    [InlineData(nameof(Superblock.HashSeed), 0xEC)]
    [InlineData(nameof(Superblock.DescriptorSize), 0xFE)]
    [InlineData(nameof(Superblock.JournalBlocks), 0x10C)]
    [InlineData(nameof(Superblock.BlockCountHigh), 0x150)]
    [InlineData(nameof(Superblock.Flags), 0x160)]
    [InlineData(nameof(Superblock.MmpBlock), 0x168)]
    [InlineData(nameof(Superblock.LogGroupsPerFlex), 0x174)]
    [InlineData(nameof(Superblock.KilobytesWritten), 0x178)]
    [InlineData(nameof(Superblock.ErrorCount), 0x194)]
    [InlineData(nameof(Superblock.FirstErrorBlock), 0x1A0)]
    [InlineData(nameof(Superblock.LastErrorLine), 0x1D4)]
    [InlineData(nameof(Superblock.LastErrorBlock), 0x1D8)]
    [InlineData(nameof(Superblock.MountOptions), 0x200)]
    [InlineData(nameof(Superblock.OverheadClusters), 0x248)]
    [InlineData(nameof(Superblock.BackupGroup0), 0x24C)]
    [InlineData(nameof(Superblock.ProjectQuotaInode), 0x26C)]
    [InlineData(nameof(Superblock.ChecksumSeed), 0x270)]
    [InlineData(nameof(Superblock.FirstErrorCode), 0x27A)]
    [InlineData(nameof(Superblock.Encoding), 0x27C)]
    [InlineData(nameof(Superblock.OrphanFileInode), 0x280)]
    [InlineData(nameof(Superblock.Checksum), 0x3FC)]
    public void Superblock_fields_are_where_the_document_says(string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<Superblock>(field));

    [Theory]
    [InlineData(nameof(InodeRecord.Flags), 0x20)]
    [InlineData(nameof(InodeRecord.BlockArea), 0x28)]
    [InlineData(nameof(InodeRecord.Generation), 0x64)]
    [InlineData(nameof(InodeRecord.SizeHigh), 0x6C)]
    [InlineData(nameof(InodeRecord.BlockCountHigh), 0x74)]
    [InlineData(nameof(InodeRecord.ChecksumLow), 0x7C)]
    public void Inode_fields_are_where_the_document_says(string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<InodeRecord>(field));

    [Theory]
    [InlineData("0", "FEATURE_I30 casefold", 0x40020000u)]
    [InlineData("1", "extent 64bit", 0xC0u)]
    public void Features_are_named_as_dumpe2fs_does(string id, string names, uint bits)
    {
        Assert.NotEmpty(id);
        Assert.Equal(names.Split(' ').Order(), FeatureNames.Of((IncompatFeatures)bits).Split(' ').Order());
    }
}
