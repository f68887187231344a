using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Directories with damage: errors or a way around it, never a crash, a loop or a wrong name.</summary>
public sealed class DamageTests
{
    private const int BlockBytes = 1024;
    private const int Names = 1500;

    [Fact]
    public void A_damaged_index_is_reported_once_and_names_are_still_found()
    {
        using TestImage image = MakeIndexed("");
        long root = BlockOf(image, 0);
        Overwrite(image, root * BlockBytes + 0x1C, [0x77]); // hash version
        var events = new Events();
        using Volume volume = Opened.ReadOnly(image.Path, events);
        InodeNumber directory = Opened.Find(volume, "d");
        for (int i = 0; i < Names; i += 10)
        {
            Assert.Equal(Errno.Ok, volume.Lookup(directory, Name(i), out InodeNumber _));
        }
        Assert.Equal(Errno.NoEntry, volume.Lookup(directory, "missing"u8, out InodeNumber _));
        Assert.Equal(Names + 2, Listing.All(volume, directory, 100).Count);
        Assert.Single(events.Damages);
    }

    [Fact]
    public void A_damaged_leaf_is_an_error_for_its_names_only()
    {
        using TestImage image = MakeIndexed("");
        long leaf = BlockOf(image, 5);
        Overwrite(image, leaf * BlockBytes + 500, [0x77, 0x77]);
        using Volume volume = Opened.ReadOnly(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        int damaged = 0;
        for (int i = 0; i < Names; i++)
        {
            try
            {
                Assert.Equal(Errno.Ok, volume.Lookup(directory, Name(i), out InodeNumber _));
            }
            catch (Ext4CorruptException damage)
            {
                Assert.Equal(Corruption.DirectoryChecksum, damage.Kind);
                damaged++;
            }
        }
        Assert.InRange(damaged, 1, 100);
        Assert.Throws<Ext4CorruptException>(() => Listing.All(volume, directory, 10));
    }

    /// <summary>The directory's lock is held when the inode that the entry names is to be locked.</summary>
    [Fact]
    public void An_entry_for_the_directory_above_is_an_error_and_no_deadlock()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        Debugfs.Write(image.Path, "mkdir /d", "ln / /d/up");
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        Assert.Throws<Ext4CorruptException>(() => volume.Rename(
            directory, "up"u8, InodeNumber.Root, "x"u8, RenameFlags.None, new Caller(0, 0)));
    }

    [Fact]
    public void A_name_goes_even_when_its_inode_is_too_damaged_to_be_freed()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O ^metadata_csum");
        var caller = new Caller(0, 0);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, "f"u8, 0x1A4, caller, out _));
        }
        Debugfs.Write(image.Path, "sif /f block[0] 0");     // the magic of the extent tree's root
        var events = new Events();
        using (Volume volume = Opened.ForWriting(image.Path, events))
        {
            Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, "f"u8));
            Assert.Equal(Errno.NoEntry, volume.Lookup(InodeNumber.Root, "f"u8, out InodeNumber _));
            Assert.Single(events.Damages);
        }
    }

    [Theory]
    [InlineData("^metadata_csum")]
    [InlineData("^metadata_csum,large_dir")]
    [InlineData("^metadata_csum,^dir_index")]
    [InlineData("^metadata_csum,casefold")]
    public void Mutated_directories_never_hang_or_crash(string features)
    {
        int start = Environment.TickCount;
        var random = new Random(start);
        using TestImage image = MakeIndexed(features);
        byte[] bytes = File.ReadAllBytes(image.Path);
        var undo = new Stack<(long Offset, byte Value)>();
        long[] blocks = [.. Enumerable.Range(0, 12).Select(block => BlockOf(image, block))];
        for (int round = 0; round < 300; round++)
        {
            for (int hits = random.Next(1, 8); hits > 0; hits--)
            {
                long block = blocks[random.Next(3) == 0 ? 0 : random.Next(blocks.Length)];
                int offset = random.Next(3) == 0 ? random.Next(BlockBytes) : random.Next(64);
                undo.Push(((block * BlockBytes) + offset, bytes[(block * BlockBytes) + offset]));
                bytes[undo.Peek().Offset] = (byte)(random.Next(2) == 0 ? random.Next(256) : random.Next(8));
            }
            Walk(bytes, $"seed {start}, round {round}");
            while (undo.TryPop(out (long Offset, byte Value) byteBefore))
            {
                bytes[byteBefore.Offset] = byteBefore.Value;
            }
        }
    }

    private static void Walk(byte[] bytes, string what)
    {
        using Volume volume = Volume.Open(new MemoryDevice(bytes), new VolumeOptions { ReadOnly = true });
        InodeNumber directory = Opened.Find(volume, "d");
        for (int i = 0; i < Names; i += 37)
        {
            Guard(() => volume.Lookup(directory, Name(i), out InodeNumber _));
        }
        int listed = 0;
        Guard(() => listed = Listing.All(volume, directory, 50).Count);
        Assert.True(listed < 20 * Names, what);
    }

    private static void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Ext4CorruptException)
        {
            // The documented answer to damage.
        }
    }

    private static TestImage MakeIndexed(string features)
    {
        using var source = new TemporaryDirectory();
        string directory = source.CreateSubdirectory("d");
        for (int i = 0; i < Names; i++)
        {
            File.WriteAllBytes(Path.Combine(directory, System.Text.Encoding.ASCII.GetString(Name(i))), []);
        }
        string options = features.Length == 0 ? "" : $"-O {features}";
        var image = new TestImage($"-t ext4 -b {BlockBytes} {options}", 8L << 20, source.Path);
        Assert.InRange(Tool.Run("e2fsck", "-f", "-y", "-D", image.Path).ExitCode, 0, 1);
        return image;
    }

    private static byte[] Name(int number) => System.Text.Encoding.ASCII.GetBytes($"some-file-name-{number}");

    private static long BlockOf(TestImage image, int fileBlock) =>
        long.Parse(Debugfs.Read(image.Path, $"bmap d {fileBlock}").Split('\n').Last(line => line.Length > 0 && char.IsDigit(line[0])),
            System.Globalization.CultureInfo.InvariantCulture);

    private static void Overwrite(TestImage image, long offset, byte[] bytes)
    {
        using FileStream stream = File.OpenWrite(image.Path);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private sealed class Events : IEngineEvents
    {
        public List<Ext4CorruptException> Damages { get; } = [];

        public void Damage(Ext4CorruptException damage, InodeNumber inode) => Damages.Add(damage);

        public void Warning(string message)
        {
        }

        public void DeviceFailed(DeviceException failure)
        {
        }
    }
}
