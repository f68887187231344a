using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Mapping;

/// <summary>Random changes of a block map around the borders of its trees, beside a table that says what each file block
/// is; e2fsck counts the blocks of numbers in the end.</summary>
public sealed class IndirectMapPropertyTests
{
    /// <summary>File blocks around a border that are played with.</summary>
    private const int Around = 40;

    [Theory]
    [InlineData("-t ext2 -b 1024", 1)]
    [InlineData("-t ext3 -b 4096 -O large_file", 2)]
    [InlineData("-t ext4 -b 1024 -O ^extents,^64bit", 3)]
    public void The_map_is_what_the_model_says(string options, int seed)
    {
        using var image = new WritableVolume(options);
        using (InodeReference reference = image.Acquire())
        {
            var run = new Run(image.Volume, reference.Inode, new Random(seed));
            for (int round = 0; round < 4000; round++)
            {
                run.Step(round);
                if (round % 250 == 249)
                {
                    run.Compare($"{options}, seed {seed}, round {round}");
                }
            }
            Assert.Equal(0b1111, run.LevelsSeen);
            Assert.Equal(0, image.Volume.Journal!.CreditOverruns);
        }
        image.CloseAndCheck();
    }

    /// <summary>What is removed down to nothing leaves no block of numbers behind.</summary>
    [Theory]
    [InlineData("-t ext2 -b 1024", 4)]
    public void An_emptied_file_has_no_blocks(string options, int seed)
    {
        using var image = new WritableVolume(options);
        using (InodeReference reference = image.Acquire())
        {
            var run = new Run(image.Volume, reference.Inode, new Random(seed));
            for (int round = 0; round < 600; round++)
            {
                run.Step(round % 700);
            }
            run.RemoveAll();
            Assert.Equal(0ul, reference.Inode.Sectors);
            Assert.Equal(-1, reference.Inode.BlockAreaBytes.IndexOfAnyExcept((byte)0));
        }
        image.CloseAndCheck();
    }

    /// <summary>One file under change.</summary>
    private sealed class Run(Volume volume, Inode inode, Random random)
    {
        private readonly Dictionary<uint, ulong> _model = [];
        private readonly MapChange _change = new();
        private readonly uint[] _borders = Borders(volume.Context.Geometry.BlockSizeBytes / 4);

        /// <summary>A bit for each depth at which a block was mapped.</summary>
        public int LevelsSeen { get; private set; }

        public void Step(int round)
        {
            int border = random.Next(_borders.Length);
            uint first = (uint)Math.Max(0, _borders[border] + random.Next(-Around, Around));
            uint end = first + (uint)random.Next(1, 12);
            int kind = random.Next(10) + (round % 1000 < 700 ? 0 : 5);
            using (inode.Lock.Exclusive())
            {
                if (kind < 7)
                {
                    Insert(first, end);
                }
                else
                {
                    Remove(first, kind > 12 ? ExtentNodePlace.FileEnd : kind > 10 ? end + 5000ul : end);
                }
            }
        }

        public void RemoveAll()
        {
            using (inode.Lock.Exclusive())
            {
                Remove(0, ExtentNodePlace.FileEnd);
            }
        }

        public void Compare(string what)
        {
            CompareCached(what + ", cached");
            inode.Map.Clear();
            CompareCached(what + ", read again");
        }

        private static uint[] Borders(int numbers)
        {
            uint twice = 12 + (uint)numbers;
            uint thrice = twice + (uint)(numbers * numbers);
            return [6, 12, twice, twice + (uint)numbers, thrice, thrice + (uint)numbers, thrice + (uint)(numbers * numbers)];
        }

        private void CompareCached(string what)
        {
            foreach (uint border in _borders)
            {
                for (uint block = (uint)Math.Max(0, (long)border - Around); block < border + Around + 12; block++)
                {
                    MapRun run = volume.Map.Find(inode, block);
                    ulong expected = _model.GetValueOrDefault(block);
                    RunKind kind = expected == 0 ? RunKind.Hole : RunKind.Written;
                    Assert.True(run.Kind == kind && run.Start.Value == expected, $"{what}: block {block}: {run}");
                }
            }
        }

        private void Insert(uint first, uint end)
        {
            ulong limit = volume.Writing!.Maps.InsertLimit(inode, first);
            uint stop = first;
            while (stop < end && stop < limit && !_model.ContainsKey(stop))
            {
                stop++;
            }
            if (stop == first)
            {
                return;
            }
            FsBlock near = first > 0 ? new FsBlock(_model.GetValueOrDefault(first - 1)) : default;
            var goal = new AllocationGoal
            {
                Owner = inode.Number,
                IsFileData = true,
                Near = near.Value == 0 ? new FsBlock((ulong)random.Next(2000, 8000)) : near + 1,
            };
            Assert.Equal(Errno.Ok, volume.Space!.Blocks.Reserve(
                in goal, stop - first, SpaceClaim.Ordinary, out BlockRun run));
            Assert.Equal(Errno.Ok, volume.Writing.Maps.PrepareInsert(inode, first, run.Start, _change));
            LevelsSeen |= 1 << _change.Numbers.Depth;
            Apply(BlockAllocator.CommitCredits, handle =>
            {
                volume.Space.Blocks.Commit(handle, run);
                var extent = new Extent(first, run.Start, run.LengthBlocks, false);
                _change.Insert(handle, in extent, run.LengthBlocks);
            });
            for (uint i = 0; i < run.LengthBlocks; i++)
            {
                _model[first + i] = run.Start.Value + i;
            }
            inode.SizeBytes = Math.Max(
                inode.SizeBytes, (long)(first + run.LengthBlocks) << volume.Context.Geometry.BlockSizeShift);
        }

        private void Remove(uint first, ulong end)
        {
            for (ulong done = first; done < end;)
            {
                int budget = random.Next(2) == 0 ? 1 : 1000;
                Assert.Equal(Errno.Ok,
                    volume.Writing!.Maps.PrepareRemove(inode, (uint)done, end, budget, 100, _change));
                uint from = (uint)done;
                if (_change.HasEntries)
                {
                    Apply(0, handle => _change.Remove(handle, from));
                }
                Assert.True(_change.End > done);
                done = _change.End;
            }
            foreach (uint block in _model.Keys.Where(block => block >= first && block < end).ToArray())
            {
                _model.Remove(block);
            }
        }

        private void Apply(int extraCredits, Action<Handle> change)
        {
            Assert.Equal(Errno.Ok,
                volume.Journal!.TryStart(_change.Credits + extraCredits, out Handle handle, _change.Forgets));
            using (handle)
            {
                change(handle);
                volume.Inodes.Store(handle, inode);
                handle.Complete();
            }
            _change.Finish();
            Assert.Equal(0, volume.Journal.CreditOverruns);
        }
    }
}
