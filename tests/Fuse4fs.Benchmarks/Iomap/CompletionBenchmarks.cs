using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Benchmarks.Iomap;

/// <summary>The engine's part of finished writes, on a volume in memory: blocks of a preallocated file become written, in
/// random order, one at a time and in groups; and a transaction of 1,000 blocks is committed.</summary>
[MemoryDiagnoser]
[MinColumn]
public class CompletionBenchmarks
{
    private const int Blocks = 4096;
    private const int BlockBytes = 4096;
    private const int Group = 16;
    private const int Transaction = 1000;
    private const int InodesInBlock = 16;

    private readonly DelegatedCompletion[] _group = new DelegatedCompletion[Group];
    private readonly int[] _order = [.. Enumerable.Range(0, Blocks)];
    private readonly int[] _groups = [.. Enumerable.Range(0, Blocks / Group)];
    private readonly InodeNumber[] _inodes = new InodeNumber[Transaction];
    private Volume _volume = null!;
    private InodeNumber _file;

    [GlobalSetup]
    public void Open()
    {
        using var image = new TestImage("-t ext4 -b 4096 -I 256 -N 32768 -J size=64", 256 << 20);
        // Only commits that are asked for.
        _volume = Volume.Open(MemoryDevice.Load(image.Path), new VolumeOptions { CommitInterval = TimeSpan.FromHours(1) });
        _file = Create("file");
        new Random(1).Shuffle(_order);
        new Random(2).Shuffle(_groups);
        for (int i = 0; i < Transaction * InodesInBlock; i++)
        {
            InodeNumber made = Create(string.Create(CultureInfo.InvariantCulture, $"{i}"));
            _inodes[i / InodesInBlock] = made;
        }
        Check(_volume.SyncAll());
        int blocks = _inodes.Select(inode => (inode.Value - 1) / InodesInBlock).Distinct().Count();
        if (blocks != Transaction)
        {
            throw new InvalidOperationException($"the inodes are in {blocks} blocks");
        }
    }

    [GlobalCleanup]
    public void Close() => _volume.Dispose();

    /// <summary>All of the file is unwritten, in as few pieces as there are.</summary>
    [IterationSetup(Targets = [nameof(ConvertOneByOne), nameof(ConvertInGroups)])]
    public void Preallocate()
    {
        var options = new WriteOptions();
        const long bytes = (long)Blocks * BlockBytes;
        Check(_volume.Allocate(_file, FallocateMode.PunchHole | FallocateMode.KeepSize, 0, bytes, in options));
        Check(_volume.SyncAll());
        Check(_volume.Allocate(_file, FallocateMode.Allocate, 0, bytes, in options));
        Check(_volume.SyncAll());
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public void ConvertOneByOne()
    {
        foreach (int block in _order)
        {
            _group[0] = new DelegatedCompletion((long)block * BlockBytes, BlockBytes);
            _volume.CompleteDelegatedWrites(_file, _group.AsSpan(0, 1));
            Check(_group[0].Outcome);
        }
    }

    /// <summary>As many as wait while a conversion is under way: neighbours here.</summary>
    [Benchmark(OperationsPerInvoke = Blocks)]
    public void ConvertInGroups()
    {
        foreach (int group in _groups)
        {
            for (int i = 0; i < Group; i++)
            {
                _group[i] = new DelegatedCompletion((((long)group * Group) + i) * BlockBytes, BlockBytes);
            }
            _volume.CompleteDelegatedWrites(_file, _group);
            Check(_group[Group - 1].Outcome);
        }
    }

    [IterationSetup(Target = nameof(CommitOfAThousandBlocks))]
    public void ChangeInodes()
    {
        foreach (InodeNumber inode in _inodes)
        {
            Check(_volume.SetAttributes(inode, new AttributeChange { ModificationTime = TimeChange.ToNow }, out _));
        }
    }

    [Benchmark]
    public void CommitOfAThousandBlocks() => Check(_volume.SyncAll());

    private static void Check(Errno error)
    {
        if (error != Errno.Ok)
        {
            throw new InvalidOperationException($"{error}");
        }
    }

    private InodeNumber Create(string name)
    {
        var caller = new Caller(0, 0);
        Check(_volume.Create(InodeNumber.Root, Encoding.ASCII.GetBytes(name), 0x1A4, in caller, out InodeAttributes made));
        return made.Number;
    }
}
