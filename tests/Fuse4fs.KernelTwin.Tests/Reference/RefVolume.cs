using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>What the reference server would have on disk: nodes and a bitmap. Survives its servers.</summary>
internal sealed class RefVolume
{
    private const int FirstBlock = 16;
    private readonly bool[] _used;
    private int _free;
    private ulong _lastIno = 10;
    private ulong _time = 1_000_000_000;

    public RefVolume(IBlockStorage storage, int blockSize)
    {
        Storage = storage;
        BlockSize = blockSize;
        _used = new bool[storage.LengthBytes / blockSize];
        _free = TotalBlocks;
        Nodes[1] = new RefNode(1) { Mode = 0x41ED, Links = 2, Lookups = 1 };
        Touch(Nodes[1]);
    }

    public IBlockStorage Storage { get; }

    public int BlockSize { get; }

    public Dictionary<ulong, RefNode> Nodes { get; } = [];

    public int Reserved { get; set; }

    public int TotalBlocks => _used.Length - FirstBlock;

    public int FreeBlocks => _free - Reserved;

    /// <summary>Where the next block of nobody in particular is looked for.</summary>
    public long Goal { get; set; } = FirstBlock;

    /// <summary>Freed node numbers, for a server that reuses them too early.</summary>
    public Queue<ulong> FreedNumbers { get; } = new();

    public RefNode Create(uint mode, uint uid, uint gid)
    {
        ulong ino = FreedNumbers.TryDequeue(out ulong freed) ? freed : ++_lastIno;
        var node = new RefNode(ino) { Mode = mode, Uid = uid, Gid = gid, Generation = _time };
        Nodes[ino] = node;
        Touch(node);
        return node;
    }

    public Timestamp Now() => new(++_time, 0);

    public void Touch(RefNode node) => node.Atime = node.Mtime = node.Ctime = Now();

    /// <summary>A run of free blocks, as near to the goal as can be.</summary>
    /// <returns>First block and length; length 0: no space.</returns>
    public (long Start, int Count) Allocate(long goal, int wanted)
    {
        if (FreeBlocks + Reserved <= 0)
        {
            return (0, 0);
        }
        long start = goal >= FirstBlock && goal < _used.Length && !_used[goal] ? goal
            : Array.FindIndex(_used, FirstBlock, used => !used);
        int count = 0;
        while (count < wanted && start + count < _used.Length && !_used[start + count])
        {
            _used[start + count] = true;
            count++;
        }
        _free -= count;
        return (start, count);
    }

    public void Free(long block)
    {
        _free += _used[block] ? 1 : 0;
        _used[block] = false;
    }

    public Errno ReadBlock(long block, byte[] target) => Storage.Read(block * BlockSize, target);

    public Errno WriteBlock(long block, byte[] source) => Storage.Write(block * BlockSize, source);
}
