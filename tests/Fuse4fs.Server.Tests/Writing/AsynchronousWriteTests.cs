using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Writes past the kernel's cache while others read through it.</summary>
public sealed class AsynchronousWriteTests
{
    private const int FileBytes = 640 << 10;
    private const int Writes = 400;

    [Fact]
    public async Task What_was_read_during_an_asynchronous_direct_write_is_not_read_again_after_it()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(AsynchronousWriter.IsKnown, "this machine's system call numbers are not known");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string file = mount.Combine("file");
        using var stop = new CancellationTokenSource();
        File.WriteAllBytes(file, new byte[FileBytes]);
        Task[] readers = [ReadUntil(file, stop.Token), ReadUntil(file, stop.Token)];
        try
        {
            for (int i = 0; i < Writes; i++)
            {
                byte value = (byte)(1 + (i % 2));
                using (var writer = new AsynchronousWriter(file, FileBytes))
                {
                    writer.Write(value);
                }
                byte[] read = File.ReadAllBytes(file);
                Assert.Equal(FileBytes, read.Length);
                Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept(value));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(readers);
        }
        mount.Unmount();
        image.AssertClean();
    }

    private static Task ReadUntil(string file, CancellationToken stop) => Task.Run(
        () =>
        {
            while (!stop.IsCancellationRequested)
            {
                File.ReadAllBytes(file);
            }
        },
        CancellationToken.None);
}
