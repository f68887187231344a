using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Many completions of one file: neighbours are one to the map, and what fails, fails alone.</summary>
public sealed class VolumeJoinTests
{
    private const int Block = 4096;
    private const int Count = 64;

    [Theory]
    [InlineData("-t ext4 -b 4096")]
    [InlineData("-t ext4 -b 4096 -O bigalloc -C 16384")]
    public void Neighbours_are_taken_in_together(string features)
    {
        using var bench = new VolumeBench(TwinOptions.V8, features);
        InodeNumber number = Preallocate(bench, Count * Block);
        ulong before = Version(bench, number);
        var completions = new DelegatedCompletion[Count];
        for (int i = 0; i < Count; i++)
        {
            completions[i] = new DelegatedCompletion(i * 7 % Count * Block, Block) { Tag = i };
        }
        bench.Volume.CompleteDelegatedWrites(number, completions);
        Assert.All(completions, completion => Assert.Equal(Linux.Errno.Ok, completion.Outcome));
        Assert.All(completions, completion => Assert.Equal(completion.OffsetBytes, completion.Tag * 7 % Count * Block));
        Assert.Equal(1ul, Version(bench, number) - before);
        Assert.Equal(1, Extents(bench, number));
        bench.Finish();
    }

    [Fact]
    public void What_fails_fails_alone()
    {
        using var bench = new VolumeBench(TwinOptions.V8, "-t ext4 -b 4096");
        InodeNumber number = Preallocate(bench, 8 * Block);
        DelegatedCompletion[] completions =
        [
            new(7 * Block, Block), new(8 * Block, Block), new(0, Block), new(-Block, Block), new(long.MaxValue - 5, 10),
            new(2 * Block, 0),
        ];
        bench.Volume.CompleteDelegatedWrites(number, completions);
        foreach (DelegatedCompletion completion in completions)
        {
            Linux.Errno expected = completion.OffsetBytes is 0 or 7 * Block ? Linux.Errno.Ok
                : completion.OffsetBytes == 8 * Block ? Linux.Errno.InputOutput : Linux.Errno.Invalid;
            Assert.Equal(expected, completion.Outcome);
        }
        Assert.Equal(Linux.Errno.Ok, bench.Volume.GetDelegatedSize(number, out long size));
        Assert.Equal(8 * Block, size);
        bench.Finish();
    }

    /// <summary>Through the whole server: many asynchronous direct writes at once, each answered, and all there.</summary>
    [Theory]
    [InlineData("v8", "-t ext4 -b 4096")]
    [InlineData("v9", "-t ext4 -b 1024")]
    [InlineData("v9", "-t ext3 -b 4096")]
    public void Asynchronous_writes_at_once_are_all_taken_in(string revision, string features)
    {
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features);
        byte[] data = Bench.Bytes(Count * Block, 1);
        long created = bench.Bench.Create("/file");
        bench.Bench.Write(created, new byte[Count * Block], 0);
        Bench.Equal(0, bench.Bench.User.Ftruncate(created, 0), "ftruncate");
        Bench.Equal(0, bench.Bench.User.Ftruncate(created, Count * Block), "ftruncate");
        bench.Bench.User.Close(created);
        var writers = new Func<Task>[Count];
        int[] fds = new int[Count];
        for (int i = 0; i < Count; i++)
        {
            int at = i;
            fds[i] = (int)bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
            writers[i] = async () => Bench.Equal(Block, await bench.Bench.User.Process.Pwrite(
                fds[at], new UserBuffer(data.AsMemory(at * Block, Block)), (long)at * Block, WriteFlags.Asynchronous),
                $"write {at}");
        }
        bench.Bench.Kernel.RunTogether(writers);
        foreach (int fd in fds)
        {
            bench.Bench.User.Close(fd);
        }
        bench.Bench.Remount();
        bench.Bench.Holds("/file", data);
        bench.Finish();
        Assert.Empty(bench.Warnings);
    }

    private static InodeNumber Preallocate(VolumeBench bench, long length)
    {
        long fd = bench.Bench.Create("/joined");
        Bench.Equal(0, bench.Bench.User.Fallocate(fd, 0, 0, length), "fallocate");
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        Assert.Equal(Linux.Errno.Ok, bench.Volume.Lookup(InodeNumber.Root, "joined"u8, out InodeNumber number));
        return number;
    }

    /// <summary>Grows with each handle that changes the file.</summary>
    private static ulong Version(VolumeBench bench, InodeNumber number)
    {
        Assert.Equal(Linux.Errno.Ok, bench.Volume.GetAttributes(number, out Ext4.InodeAttributes attributes));
        return attributes.Version;
    }

    private static int Extents(VolumeBench bench, InodeNumber number)
    {
        var mappings = new DelegatedMapping[Count];
        Assert.Equal(Linux.Errno.Ok, bench.Volume.CopyDelegatedMap(
            number, 0, Count * Block, mappings, out int count, out _));
        Assert.All(mappings[..count], mapping => Assert.Equal(DelegatedKind.Written, mapping.Kind));
        return count;
    }
}
