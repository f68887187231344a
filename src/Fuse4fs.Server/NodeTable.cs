using System.Runtime.CompilerServices;

namespace Fuse4fs.Server;

/// <summary>How many lookups of each inode the kernel holds. Exact: every entry reply counts one, every forget gives
/// back as many as it says. 16 bytes per node in open-addressed tables, striped by inode number so that workers rarely
/// meet.</summary>
/// <remarks>Each stripe has a leaf lock of its own, held for a probe sequence, never across a call.</remarks>
internal sealed class NodeTable
{
    private const int StripeBits = 6;

    private readonly Stripe[] _stripes = new Stripe[1 << StripeBits];

    public NodeTable()
    {
        for (int i = 0; i < _stripes.Length; i++)
        {
            _stripes[i] = new Stripe();
        }
    }

    /// <summary>Nodes the kernel knows.</summary>
    public long Count => _stripes.Sum(static stripe => (long)stripe.Count);

    /// <summary>The kernel is told of an inode once more.</summary>
    /// <returns>True when it did not know it.</returns>
    public bool Remember(uint inode, uint generation) => StripeOf(inode).Add(inode, generation);

    /// <summary>The kernel gives lookups back.</summary>
    /// <returns>True when it does not know the inode any more. Giving back more than was given counts as all.</returns>
    public bool Forget(uint inode, ulong lookups) => StripeOf(inode).Remove(inode, lookups);

    /// <summary>Whether the kernel knows an inode.</summary>
    public bool Knows(uint inode) => StripeOf(inode).Contains(inode);

    /// <summary>Forgets everything, as the end of a connection means.</summary>
    /// <returns>The inodes that were known.</returns>
    public List<uint> Clear()
    {
        var known = new List<uint>();
        foreach (Stripe stripe in _stripes)
        {
            stripe.Clear(known);
        }
        return known;
    }

    private Stripe StripeOf(uint inode) => _stripes[Hash(inode) >> (64 - StripeBits)];

    /// <summary>Fibonacci hashing: bits 32 and up depend on every bit of the number.</summary>
    private static ulong Hash(uint inode) => inode * 11400714819323198485UL;

    private struct Node
    {
        public uint Inode;
        public uint Generation;

        /// <summary>0: the slot is free.</summary>
        public ulong Lookups;
    }

    private sealed class Stripe
    {
        private readonly Lock _gate = new();
        private Node[] _slots = new Node[16];

        public int Count { get; private set; }

        public bool Add(uint inode, uint generation)
        {
            lock (_gate)
            {
                ref Node slot = ref Find(inode);
                if (slot.Lookups > 0)
                {
                    slot.Lookups++;
                    slot.Generation = generation;
                    return false;
                }
                slot = new Node { Inode = inode, Generation = generation, Lookups = 1 };
                Count++;
                if (Count > _slots.Length / 4 * 3)
                {
                    Resize(_slots.Length * 2);
                }
                return true;
            }
        }

        public bool Remove(uint inode, ulong lookups)
        {
            lock (_gate)
            {
                ref Node slot = ref Find(inode);
                if (slot.Lookups == 0)
                {
                    return false;
                }
                if (slot.Lookups > lookups)
                {
                    slot.Lookups -= lookups;
                    return false;
                }
                CloseGap((int)(Unsafe.ByteOffset(ref _slots[0], ref slot) / Unsafe.SizeOf<Node>()));
                Count--;
                if (_slots.Length > 1024 && Count < _slots.Length / 8)
                {
                    Resize(_slots.Length / 2);
                }
                return true;
            }
        }

        public bool Contains(uint inode)
        {
            lock (_gate)
            {
                return Find(inode).Lookups > 0;
            }
        }

        public void Clear(List<uint> known)
        {
            lock (_gate)
            {
                foreach (ref Node node in _slots.AsSpan())
                {
                    if (node.Lookups > 0)
                    {
                        known.Add(node.Inode);
                    }
                }
                _slots = new Node[16];
                Count = 0;
            }
        }

        /// <summary>The node's slot, or the free one where it belongs. There is always a free slot.</summary>
        private ref Node Find(uint inode)
        {
            int mask = _slots.Length - 1;
            int index = Home(inode, mask);
            while (_slots[index].Lookups > 0 && _slots[index].Inode != inode)
            {
                index = (index + 1) & mask;
            }
            return ref _slots[index];
        }

        /// <summary>Frees a slot and moves up those behind it that a search would no longer find.</summary>
        private void CloseGap(int gap)
        {
            int mask = _slots.Length - 1;
            int index = gap;
            while (true)
            {
                index = (index + 1) & mask;
                if (_slots[index].Lookups == 0)
                {
                    break;
                }
                int home = Home(_slots[index].Inode, mask);
                if (((index - home) & mask) >= ((index - gap) & mask))
                {
                    _slots[gap] = _slots[index];
                    gap = index;
                }
            }
            _slots[gap] = default;
        }

        private void Resize(int length)
        {
            Node[] old = _slots;
            _slots = new Node[length];
            foreach (ref Node node in old.AsSpan())
            {
                if (node.Lookups > 0)
                {
                    Find(node.Inode) = node;
                }
            }
        }

        /// <summary>The stripe is chosen by the hash's top bits, the slot by those below them.</summary>
        private static int Home(uint inode, int mask) => (int)(Hash(inode) >> 32) & mask;
    }
}
