using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Which inodes somebody outside refers to by number, and how often: they outlive their last link.</summary>
internal sealed class RetainedInodes
{
    private const int ShardCount = 16;

    private readonly Dictionary<uint, ulong>[] _shards = new Dictionary<uint, ulong>[ShardCount];

    public RetainedInodes()
    {
        for (int i = 0; i < ShardCount; i++)
        {
            _shards[i] = [];
        }
    }

    /// <summary>One reference more.</summary>
    public void Retain(InodeNumber number)
    {
        Dictionary<uint, ulong> shard = ShardOf(number);
        lock (shard)
        {
            shard.TryGetValue(number.Value, out ulong count);
            shard[number.Value] = count + 1;
        }
    }

    /// <summary>Some references less; more than there are count as all.</summary>
    /// <returns>True when none is left.</returns>
    public bool Release(InodeNumber number, ulong count)
    {
        Dictionary<uint, ulong> shard = ShardOf(number);
        lock (shard)
        {
            if (!shard.TryGetValue(number.Value, out ulong held) || held <= count)
            {
                shard.Remove(number.Value);
                return true;
            }
            shard[number.Value] = held - count;
            return false;
        }
    }

    public bool IsRetained(InodeNumber number)
    {
        Dictionary<uint, ulong> shard = ShardOf(number);
        lock (shard)
        {
            return shard.ContainsKey(number.Value);
        }
    }

    private Dictionary<uint, ulong> ShardOf(InodeNumber number) => _shards[number.Value % ShardCount];
}
