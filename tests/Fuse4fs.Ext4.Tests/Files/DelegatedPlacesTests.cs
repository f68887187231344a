using System.Globalization;
using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Places told to somebody who writes there himself: never the file system's own, and never somebody else's while
/// he may still be writing.</summary>
public class DelegatedPlacesTests
{
    private const string WithNumbers = "-t ext3 -b 1024";
    private const int BlockBytes = 1024;

    [Theory]
    [InlineData(MappingUse.Read)]
    [InlineData(MappingUse.DirectWrite)]
    [InlineData(MappingUse.WriteBack)]
    public void The_file_systems_own_blocks_are_never_told(MappingUse use)
    {
        using var image = new TestImage(WithNumbers, 8L << 20);
        string data = image.Directory.Combine("data");
        File.WriteAllBytes(data, new byte[BlockBytes]);
        Debugfs.Write(image.Path, $"write {data} file", $"sif file block[0] {InodeTable(image.Path)}");
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber number = Opened.Find(volume, "file");
        Assert.Equal(Corruption.BlockOutOfVolume, Assert.Throws<Ext4CorruptException>(
            () => volume.TryMapDelegated(number, use, 0, BlockBytes, out _, out _)).Kind);
        Assert.Throws<Ext4CorruptException>(
            () => volume.CopyDelegatedMap(number, 0, BlockBytes, new DelegatedMapping[4], out _, out _));
    }

    [Fact]
    public void A_place_that_was_told_stays_the_files_when_its_writing_failed()
    {
        using var image = new TestImage(WithNumbers, 8L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber number = Make(volume);
        DelegatedMapping told = Place(volume, number);
        Assert.Equal(Errno.Ok, volume.FailDelegatedWrite(number, 0, BlockBytes));
        Assert.Equal(told, Look(volume, number));
    }

    [Fact]
    public void A_place_that_was_told_stays_the_files_when_space_runs_short_after_its_writer_has_gone()
    {
        using var image = new TestImage(WithNumbers, 8L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber number = Make(volume);
        DelegatedMapping told = Place(volume, number);
        Assert.Equal(Errno.Ok, volume.CloseDelegated(number));
        _ = volume.ReleaseAbandoned(number, static () => false);
        Assert.Equal(told, Look(volume, number));
        DelegatedCompletion completed = Complete(volume, number, 0, BlockBytes);
        Assert.Equal(Errno.Ok, completed.Outcome);
        Assert.Equal(BlockBytes, completed.SizeBytes);
    }

    [Theory]
    [InlineData(WithNumbers)]
    [InlineData("-t ext4 -b 1024")]
    public void Nothing_is_kept_of_a_file_that_is_forgotten(string options)
    {
        using var image = new TestImage(options, 8L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber number = Make(volume);
        volume.Retain(number);
        _ = Place(volume, number);
        Assert.True(volume.IsDelegatedDirty(number));
        volume.Release(number);
        Assert.False(volume.IsDelegatedDirty(number));
    }

    [Fact]
    public void No_completion_makes_a_file_larger_than_a_file_can_be()
    {
        using var image = new TestImage("-t ext4 -b 1024", 8L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber number = Make(volume);
        long most = volume.MaximumFileBytes;
        Assert.Equal(Errno.Invalid, Complete(volume, number, most, most).Outcome);
        Assert.Equal(Errno.Invalid, volume.EndDelegatedWrite(number, most, most, most, isSizeChanged: true));
        Assert.Equal(Errno.Ok, volume.GetDelegatedSize(number, out long size));
        Assert.Equal(0, size);
    }

    private static DelegatedCompletion Complete(Volume volume, InodeNumber number, long offset, long length)
    {
        Span<DelegatedCompletion> completions = [new DelegatedCompletion(offset, length)];
        volume.CompleteDelegatedWrites(number, completions);
        return completions[0];
    }

    private static InodeNumber Make(Volume volume)
    {
        Assert.Equal(Errno.Ok, volume.Create(
            InodeNumber.Root, "file"u8, 0x1A4, new Caller(0, 0), out InodeAttributes attributes));
        return attributes.Number;
    }

    private static DelegatedMapping Place(Volume volume, InodeNumber number)
    {
        Assert.Equal(Errno.Ok, volume.MapDelegated(
            number, MappingUse.DirectWrite, 0, BlockBytes, mayUseReserve: true, out DelegatedMapping mapping));
        Assert.Equal(DelegatedKind.Unwritten, mapping.Kind);
        return mapping;
    }

    private static DelegatedMapping Look(Volume volume, InodeNumber number)
    {
        Assert.Equal(Errno.Ok, volume.TryMapDelegated(
            number, MappingUse.Report, 0, BlockBytes, out DelegatedMapping mapping, out bool isDone));
        Assert.True(isDone);
        return mapping;
    }

    private static string InodeTable(string path)
    {
        string groups = Tool.Check("dumpe2fs", path);
        const string label = "Inode table at ";
        int start = groups.IndexOf(label, StringComparison.Ordinal) + label.Length;
        string number = groups[start..groups.IndexOf('-', start)];
        return uint.Parse(number, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
    }
}
