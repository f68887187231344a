using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Directories we write: e2fsck accepts them, and our own reading finds what was put in.</summary>
public sealed class NameWritingTests
{
    private static readonly Caller s_root = new(0, 0);

    /// <summary>No size and no map has changed when a name was added, but without the commit it is gone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fdatasync_of_a_new_file_and_of_its_directory_make_the_name_durable(bool ofFile)
    {
        using var image = new TestImage("-t ext4 -b 4096");
        using Volume volume = Opened.ForWriting(image.Path);
        Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, "file"u8, 0x1A4, s_root, out InodeAttributes made));
        Assert.Equal(Errno.Ok, volume.Inodes.Acquire(made.Number, out InodeReference reference));
        uint transaction = reference.Inode.LastTransaction;
        reference.Dispose();
        var waiter = new Waiter();
        Assert.Equal(Errno.Ok, volume.Sync(ofFile ? made.Number : InodeNumber.Root, isDataOnly: true, waiter));
        Assert.Equal(Errno.Ok, waiter.Wait());
        Assert.False(TransactionId.IsAfter(transaction, volume.Journal!.DurableTransaction));
    }

    [Theory]
    [InlineData("-t ext4 -b 4096", 20_000, 0)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum", 30_000, 0)]
    [InlineData("-t ext4 -b 1024 -N 20000", 15_000, 200)]
    [InlineData("-t ext4 -b 4096 -O ^dir_index", 1500, 0)]
    [InlineData("-t ext4 -b 2048 -O ^has_journal,^filetype", 4000, 40)]
    public void Many_files_are_created_and_removed(string options, int count, int padding)
    {
        using var image = new TestImage(options, 128L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1ED, s_root, out InodeAttributes made));
            for (int i = 0; i < count; i++)
            {
                Errno error = volume.Create(made.Number, Name(i, padding), 0x1A4, s_root, out _);
                Assert.True(error == Errno.Ok, $"{i}: {error}");
            }
            Assert.Equal(Errno.Exists, volume.Create(made.Number, Name(7, padding), 0x1A4, s_root, out _));
            Assert.Equal(count + 2, Listing.All(volume, made.Number, 100).Count);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(Errno.Ok, volume.Lookup(made.Number, Name(i, padding), out InodeNumber _));
            }
            for (int i = 0; i < count; i += 3)
            {
                Assert.Equal(Errno.Ok, volume.Unlink(made.Number, Name(i, padding)));
            }
        }
        image.AssertClean();
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber directory = Opened.Find(volume, "d");
            for (int i = 0; i < count; i++)
            {
                Errno expected = i % 3 == 0 ? Errno.NoEntry : Errno.Ok;
                Assert.Equal(expected, volume.Lookup(directory, Name(i, padding), out InodeNumber _));
                if (expected == Errno.Ok)
                {
                    Assert.Equal(Errno.Ok, volume.Unlink(directory, Name(i, padding)));
                }
            }
            Assert.Equal(2, Listing.All(volume, directory).Count);
            Assert.Equal(Errno.Ok, volume.RemoveDirectory(InodeNumber.Root, "d"u8));
        }
        image.AssertClean();
    }

    [Theory]
    [InlineData("-t ext4 -b 4096 -N 30000", 20_000, 200)]
    [InlineData("-t ext4 -b 1024 -N 30000", 20_000, 60)]
    [InlineData("-t ext4 -b 1024 -N 30000", 20_000, 3000)]
    [InlineData("-t ext4 -b 1024 -N 30000 -O ^metadata_csum,^dir_index", 10_000, 100)]
    [InlineData("-t ext4 -b 2048 -N 30000 -O ^has_journal,^filetype,large_dir", 10_000, 500)]
    public void Random_operations_answer_as_a_model_does(string options, int steps, int nameKinds)
    {
        int seed = Environment.TickCount;
        using var image = new TestImage(options, 128L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            NameModel model = NameModel.Begin(volume, new Random(seed), nameKinds);
            try
            {
                while (model.Done < steps)
                {
                    model.Step();
                }
                model.AssertSame();
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}, step {model.Done}", failure);
            }
        }
        image.AssertClean();
    }

    private static byte[] Name(int number, int padding) =>
        Encoding.ASCII.GetBytes($"{number}-" + new string((char)('a' + (number % 26)), padding));

    private sealed class Waiter : ICommitWaiter
    {
        private readonly TaskCompletionSource<Errno> _outcome = new();

        public void Committed(Errno outcome) => _outcome.SetResult(outcome);

        public Errno Wait() => _outcome.Task.GetAwaiter().GetResult();
    }
}
