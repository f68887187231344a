using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Threads that reserve, commit, cancel and free at random, each block's owner kept in a plain array: a block
/// handed out twice is found at once.</summary>
internal sealed class AllocationStorm(WritableImage volume, int seed)
{
    private const int Free = 0;
    private const int Reserved = 1;
    private const int Used = 2;

    private readonly int[] _states = new int[volume.Geometry.BlockCount];
    private readonly List<BlockRun>[] _owned = new List<BlockRun>[16];
    private string? _failure;

    public void Run(int threads, int steps)
    {
        Thread[] all = [.. Enumerable.Range(0, threads).Select(i => new Thread(() => Guard(() => RunOne(i, steps))))];
        Array.ForEach(all, thread => thread.Start());
        Array.ForEach(all, thread => thread.Join());
        Assert.True(_failure is null, _failure);
    }

    /// <summary>The bitmaps on disk are those of before, plus what is used.</summary>
    public void AssertBitmapsMatch()
    {
        volume.Settle();
        ulong used = 0;
        for (uint number = 0; number < volume.Geometry.GroupCount; number++)
        {
            var group = new GroupNumber(number);
            (FsBlock block, int offset) = volume.Geometry.DescriptorOf(group);
            using BlockLease lease = volume.Context.Cache.Read(block);
            GroupDescriptorView view = volume.Context.Descriptors.View(lease, offset);
            if (volume.Geometry.HasGroupChecksums && view.Flags.HasFlag(GroupFlags.BlocksUninitialized))
            {
                continue;
            }
            using BlockLease bitmap = volume.Context.Cache.Read(view.BlockBitmap);
            ulong first = volume.Geometry.FirstBlock(group).Value;
            for (uint i = 0; i < volume.Geometry.BlocksIn(group); i++)
            {
                bool isSet = new BitmapView(bitmap.Bytes)[(int)i];
                bool isOurs = _states[first + i] == Used;
                Assert.True(isSet || !isOurs, $"seed {seed}: block {first + i} is used and not marked");
                used += isOurs ? 1u : 0u;
            }
        }
        long owned = _owned.Where(list => list is not null).Sum(list => list.Sum(run => run.LengthBlocks));
        Assert.Equal((ulong)owned, used);
    }

    public void FreeAll()
    {
        foreach (BlockRun run in _owned.Where(list => list is not null).SelectMany(list => list))
        {
            volume.Change(8, handle => volume.Blocks.Free(handle, run, isMetadata: false));
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure)
        {
            _failure ??= $"seed {seed}: {failure}";
        }
    }

    private void RunOne(int thread, int steps)
    {
        var random = new Random(seed + thread);
        var owned = _owned[thread] = [];
        Preallocation windows = volume.Blocks.CreatePreallocation();
        uint end = 0;
        for (int step = 0; step < steps && _failure is null; step++)
        {
            if (random.Next(5) < 3 || owned.Count == 0)
            {
                Allocate(random, owned, windows, ref end);
            }
            else
            {
                int index = random.Next(owned.Count);
                BlockRun run = owned[index];
                owned.RemoveAt(index);
                volume.Blocks.PrepareFree(run);
                Move(run, Used, Free);
                volume.Change(8, handle => volume.Blocks.Free(handle, run, isMetadata: random.Next(2) == 0));
            }
            if (random.Next(40) == 0)
            {
                volume.Journal.CommitAll();
            }
        }
        volume.Blocks.ReleaseWindows(windows);
    }

    private void Allocate(Random random, List<BlockRun> owned, Preallocation windows, ref uint end)
    {
        uint want = (uint)random.Next(1, 1 << random.Next(1, 11));
        var goal = new AllocationGoal
        {
            Owner = new InodeNumber((uint)random.NextInt64(1, volume.Geometry.InodeCount + 1)),
            IsFileData = random.Next(2) == 0,
            Near = new FsBlock((ulong)random.NextInt64(random.Next(2) * (long)volume.Geometry.BlockCount + 1)),
            FileCluster = end,
            FileClusters = end + want,
            Windows = random.Next(2) == 0 ? windows : null,
        };
        if (volume.Blocks.Reserve(in goal, want, SpaceClaim.Ordinary, out BlockRun run) != Errno.Ok)
        {
            return;
        }
        end += run.LengthBlocks;
        Assert.InRange(run.LengthBlocks, 1u, want);
        Move(run, Free, Reserved);
        if (random.Next(4) == 0)
        {
            Move(run, Reserved, Free);
            volume.Blocks.Cancel(run);
            return;
        }
        Move(run, Reserved, Used);
        volume.Change(4, handle => volume.Blocks.Commit(handle, run));
        owned.Add(run);
    }

    private void Move(BlockRun run, int from, int to)
    {
        for (ulong block = run.Start.Value; block < run.End.Value; block++)
        {
            int before = Interlocked.CompareExchange(ref _states[block], to, from);
            Assert.True(before == from, $"seed {seed}: block {block} was {before}, not {from}");
        }
    }
}
