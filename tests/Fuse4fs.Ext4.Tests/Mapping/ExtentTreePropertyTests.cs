using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Mapping;

/// <summary>Random changes of an extent tree beside an array that says what each file block is.</summary>
public sealed class ExtentTreePropertyTests
{
    private const int FileBlocks = 3000;

    [Theory]
    [InlineData("-t ext4 -b 1024", 1)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,^64bit", 2)]
    [InlineData("-t ext4 -b 4096", 3)]
    [InlineData("-t ext4 -b 1024 -O ^has_journal", 4)]
    public void The_tree_maps_what_the_model_says(string options, int seed)
    {
        using var image = new WritableVolume(options);
        var random = new Random(seed);
        using (InodeReference reference = image.Acquire())
        {
            reference.Inode.SizeBytes = (long)FileBlocks * image.Volume.Context.Geometry.BlockSizeBytes;
            var run = new Run(image.Volume, reference.Inode, random);
            for (int round = 0; round < 3000; round++)
            {
                run.Step(round);
                if (round % 250 == 249)
                {
                    run.Compare($"{options}, seed {seed}, round {round}");
                }
            }
            Assert.True(run.DeepestSeen >= (options.Contains("1024", StringComparison.Ordinal) ? 2 : 1));
        }
        image.CloseAndCheck();
    }

    /// <summary>One file under change.</summary>
    private sealed class Run(Volume volume, Inode inode, Random random)
    {
        private readonly (ulong Block, bool IsUnwritten)[] _model = new (ulong Block, bool IsUnwritten)[FileBlocks];
        private readonly MapChange _change = new();

        public int DeepestSeen { get; private set; }

        public void Step(int round)
        {
            uint first = (uint)random.Next(FileBlocks);
            uint count = (uint)random.Next(1, 12);
            uint end = Math.Min(first + count, FileBlocks);
            // Phases of growing and of shrinking, so that the tree becomes deep and shallow again.
            int kind = random.Next(10) + (round % 1000 < 700 ? 0 : 5);
            using (inode.Lock.Exclusive())
            {
                switch (kind)
                {
                    case < 6:
                        Insert(first, end);
                        break;
                    case < 8:
                        Convert(first, end, random.Next(2) == 0);
                        break;
                    default:
                        Remove(first, kind > 12 ? Math.Min(end + 200, FileBlocks) : end);
                        break;
                }
            }
            DeepestSeen = Math.Max(DeepestSeen, new ExtentNode(inode.BlockAreaBytes).Depth);
        }

        public void Compare(string what)
        {
            CompareCached(what + ", cached");
            inode.Map.Clear();
            CompareCached(what + ", read again");
        }

        private void CompareCached(string what)
        {
            for (uint block = 0; block < FileBlocks; block++)
            {
                MapRun run = volume.Map.Find(inode, block);
                (ulong expected, bool isUnwritten) = _model[block];
                RunKind kind = expected == 0 ? RunKind.Hole : isUnwritten ? RunKind.Unwritten : RunKind.Written;
                Assert.True(run.Kind == kind && run.Start.Value == expected, $"{what}: block {block}: {run}");
            }
        }

        private void Insert(uint first, uint end)
        {
            uint stop = first;
            while (stop < end && _model[stop].Block == 0)
            {
                stop++;
            }
            if (stop == first)
            {
                return;
            }
            var goal = new AllocationGoal { Owner = inode.Number, IsFileData = true, Near = Near(first) };
            Errno error = volume.Space!.Blocks.Reserve(in goal, stop - first, SpaceClaim.Ordinary, out BlockRun run);
            Assert.Equal(Errno.Ok, error);
            bool isUnwritten = random.Next(3) == 0;
            Assert.Equal(Errno.Ok, volume.Writing!.Tree.PrepareInsert(inode, first, run.Start, _change));
            Apply(BlockAllocator.CommitCredits, handle =>
            {
                volume.Space.Blocks.Commit(handle, run);
                _change.Insert(handle, new Extent(first, run.Start, run.LengthBlocks, isUnwritten), run.LengthBlocks);
            });
            for (uint i = 0; i < run.LengthBlocks; i++)
            {
                _model[first + i] = (run.Start.Value + i, isUnwritten);
            }
        }

        private void Convert(uint first, uint end, bool isUnwritten)
        {
            uint stop = first;
            while (stop < end && _model[stop].Block != 0)
            {
                stop++;
            }
            for (uint done = first; done < stop;)
            {
                Assert.Equal(Errno.Ok, volume.Writing!.Tree.PrepareConvert(inode, done, stop, _change));
                uint from = done;
                Apply(0, handle => volume.Writing.Tree.Convert(handle, _change, from, isUnwritten));
                for (done = (uint)_change.End; from < done; from++)
                {
                    _model[from].IsUnwritten = isUnwritten;
                }
            }
        }

        private void Remove(uint first, uint end)
        {
            for (uint done = first; done < end;)
            {
                int budget = random.Next(2) == 0 ? 1 : 1000;
                Assert.Equal(Errno.Ok, volume.Writing!.Tree.PrepareRemove(inode, done, end, budget, 100, _change));
                uint from = done;
                if (_change.FirstEntry < _change.EndEntry)
                {
                    Apply(0, handle => _change.Remove(handle, from));
                }
                for (done = (uint)_change.End; from < done; from++)
                {
                    _model[from] = default;
                }
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

        private FsBlock Near(uint first) =>
            first > 0 && _model[first - 1].Block != 0 && random.Next(2) == 0 ? new FsBlock(_model[first - 1].Block + 1)
            : new FsBlock((ulong)random.Next(2000, 8000));
    }
}
