using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Power cuts in the middle of changes to names and attributes, and many threads at once.</summary>
public sealed class NameCrashTests
{
    private static readonly Caller s_root = new(0, 0);

    [Theory]
    [InlineData("-t ext4 -b 1024 -J size=1", 900, 24)]
    [InlineData("-t ext4 -b 4096 -J size=4 -O orphan_file", 900, 16)]
    [InlineData("-t ext3 -b 1024 -J size=1", 900, 16)]
    [InlineData("-t ext3 -b 1024 -J size=1 -O quota", 900, 16)]
    [InlineData("-t ext4 -b 1024 -J size=1 -O bigalloc -C 4096", 900, 16)]
    public void After_a_power_cut_the_tree_is_consistent(string options, int steps, int cuts)
    {
        int seed = Environment.TickCount;
        using var image = new TestImage(options, 24L << 20);
        RecordingDevice device = Record(image);
        using (Volume volume = Volume.Open(device, new VolumeOptions()))
        {
            var random = new Random(seed);
            NameModel model = NameModel.Begin(volume, random, 40);
            while (model.Done < steps)
            {
                model.Step();
                if (random.Next(20) == 0)
                {
                    Assert.Equal(Errno.Ok, volume.Journal!.CommitAll());
                }
            }
        }
        var choice = new Random(seed);
        int[] boundaries = [.. device.FlushBoundaries()];
        for (int i = 0; i < cuts; i++)
        {
            int cut = i % 2 == 0 ? boundaries[choice.Next(boundaries.Length)] : choice.Next(device.StepCount + 1);
            File.WriteAllBytes(image.Path, device.AfterPowerCut(cut, choice));
            try
            {
                if (i % 3 == 0 && !options.Contains("orphan_file", StringComparison.Ordinal))
                {
                    E2fsck.RecoverAfterCrash(image.Path);
                    continue;
                }
                Opened.ForWriting(image.Path).Dispose();
                image.AssertClean();
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}, cut {cut} of {device.StepCount}", failure);
            }
        }
    }

    [Theory]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096 -O ^has_journal")]
    [InlineData("-t ext3 -b 1024")]
    public void Threads_on_shared_directories_leave_a_consistent_tree(string options)
    {
        const int threads = 6;
        int seed = Environment.TickCount;
        using var image = new TestImage(options, 64L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            var directories = new List<InodeNumber> { InodeNumber.Root };
            for (int i = 0; i < 6; i++)
            {
                InodeNumber parent = directories[i / 2];
                Assert.Equal(Errno.Ok, volume.MakeDirectory(
                    parent, Encoding.ASCII.GetBytes($"dir{i}"), 0x1ED, s_root, out InodeAttributes made));
                directories.Add(made.Number);
            }
            var failures = new List<Exception>();
            Thread[] workers = [.. Enumerable.Range(0, threads).Select(worker => new Thread(() =>
            {
                try
                {
                    Work(volume, directories, new Random(seed + worker), 1500);
                }
                catch (Exception failure)
                {
                    lock (failures)
                    {
                        failures.Add(failure);
                    }
                }
            }))];
            Array.ForEach(workers, worker => worker.Start());
            Assert.All(workers, worker => Assert.True(worker.Join(TimeSpan.FromMinutes(2)), $"seed {seed}: threads wait for ever"));
            Assert.Empty(failures);
        }
        image.AssertClean();
    }

    /// <summary>Superblock and journal superblock are not torn: disks write them as a whole.</summary>
    private static RecordingDevice Record(TestImage image)
    {
        byte[] bytes = File.ReadAllBytes(image.Path);
        int blockBytes = JournalMap.ReadGeometry(new MemoryDevice(bytes)).BlockSizeBytes;
        long journal = (long)JournalMap.RunsOf(image.Path)[0].Start.Value * blockBytes;
        return new RecordingDevice(bytes)
        {
            IsAtomic = (offset, length) => length <= 512 || (offset <= 1024 && offset + length >= 2048)
                || (offset == journal && length == blockBytes),
        };
    }

    /// <summary>Any answer that the moment allows is right; none may be damage.</summary>
    private static void Work(Volume volume, List<InodeNumber> directories, Random random, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            InodeNumber from = directories[random.Next(directories.Count)];
            InodeNumber to = directories[random.Next(directories.Count)];
            byte[] name = Encoding.ASCII.GetBytes(random.Next(8) == 0 ? $"dir{random.Next(6)}" : $"name{random.Next(60)}");
            byte[] other = Encoding.ASCII.GetBytes(random.Next(8) == 0 ? $"dir{random.Next(6)}" : $"name{random.Next(60)}");
            Errno error = random.Next(9) switch
            {
                0 or 1 => volume.Create(from, name, 0x1A4, s_root, out _),
                2 => volume.MakeDirectory(from, name, 0x1ED, s_root, out _),
                3 => volume.Unlink(from, name),
                4 => volume.RemoveDirectory(from, name),
                5 => volume.Lookup(from, name, out InodeAttributes found) is Errno.Ok
                    ? volume.Link(found.Number, to, other, s_root, out _)
                    : Errno.Ok,
                6 => ReadSome(volume, from),
                _ => volume.Rename(from, name, to, other, (RenameFlags)(random.Next(3) == 0 ? 2u : 0u), s_root),
            };
            Assert.True(error is Errno.Ok or Errno.Exists or Errno.NoEntry or Errno.NotEmpty or Errno.IsDirectory
                or Errno.NotDirectory or Errno.Invalid or Errno.NotPermitted or Errno.Stale, $"{error}");
        }
    }

    private static Errno ReadSome(Volume volume, InodeNumber directory)
    {
        var sink = new CountingSink();
        return volume.ReadDirectory(directory, 0, ref sink);
    }

    private struct CountingSink : IDirectorySink
    {
        public int Count { get; private set; }

        public bool Add(
            scoped ReadOnlySpan<byte> name, InodeNumber inode, Ext4.Directories.DirectoryFileType type, ulong nextCookie) =>
            ++Count < 30;
    }
}
