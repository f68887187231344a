using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Mapping;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

public sealed class ConcurrentWriteTests
{
    private const int Parts = 4;
    private const int PartBytes = 1_000_000;

    /// <summary>Each writer has a part of the file to himself; readers look on.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024", 1)]
    [InlineData("-t ext4", 2)]
    public void Writers_of_one_file_do_not_hurt_each_other(string options, int seed)
    {
        using var image = new WritableVolume(options);
        var models = new byte[Parts][];
        Thread[] writers = [.. Enumerable.Range(0, Parts).Select(
            part => new Thread(() => models[part] = WritePart(image, part, new Random((seed * 100) + part))))];
        bool isDone = false;
        var reader = new Thread(() =>
        {
            byte[] buffer = new byte[100_000];
            for (long offset = 0; !Volatile.Read(ref isDone); offset = (offset + buffer.Length) % (Parts * PartBytes))
            {
                Assert.Equal(Errno.Ok, image.Volume.Read(image.File, offset, buffer, out _));
            }
        });
        reader.Start();
        Array.ForEach(writers, writer => writer.Start());
        Array.ForEach(writers, writer => writer.Join());
        Volatile.Write(ref isDone, true);
        reader.Join();
        byte[] found = new byte[Parts * PartBytes];
        Assert.Equal(Errno.Ok, image.Volume.Read(image.File, 0, found, out int count));
        byte[] expected = [.. models.SelectMany(model => model)];
        Assert.True(found.AsSpan(0, count).SequenceEqual(expected.AsSpan(0, count)));
        image.CloseAndCheck();
    }

    private static byte[] WritePart(WritableVolume image, int part, Random random)
    {
        byte[] model = new byte[PartBytes];
        long start = (long)part * PartBytes;
        for (int round = 0; round < 300; round++)
        {
            int offset = random.Next(PartBytes - 1);
            int length = Math.Min(random.Next(1, 40_000), PartBytes - offset);
            var options = new WriteOptions { IsCached = random.Next(2) == 0 };
            if (random.Next(4) == 0)
            {
                Assert.Equal(Errno.Ok, image.Volume.Allocate(image.File,
                    FallocateMode.PunchHole | FallocateMode.KeepSize, start + offset, length, in options));
                model.AsSpan(offset, length).Clear();
            }
            else
            {
                random.NextBytes(model.AsSpan(offset, length));
                Assert.Equal(Errno.Ok, image.Volume.Write(
                    image.File, start + offset, model.AsSpan(offset, length), in options, out int written));
                Assert.Equal(length, written);
            }
        }
        return model;
    }
}
