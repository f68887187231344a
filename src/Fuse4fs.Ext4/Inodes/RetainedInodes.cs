using System.Runtime.CompilerServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Which inodes somebody outside refers to by number, and how often: they outlive their last link. 16 bytes
/// per inode in open-addressed tables, striped by number so that those who ask rarely meet: a kernel that knows ten
/// million files costs some 300 MB.</summary>
/// <remarks>Each stripe has a leaf lock of its own, held for a probe sequence, never across a call.</remarks>
internal sealed class RetainedInodes
{
    private const int StripeBits = 6;

    private readonly Stripe[] _stripes = new Stripe[1 << StripeBits];

    public RetainedInodes()
    {
        for (int i = 0; i < _stripes.Length; i++)
        {
            _stripes[i] = new Stripe();
        }
    }

    /// <summary>Inodes referred to.</summary>
    public long Count => _stripes.Sum(static stripe => (long)stripe.Count);

    /// <summary>One reference more.</summary>
    public void Retain(InodeNumber number) => StripeOf(number.Value).Add(number.Value);

    /// <summary>Some references less; more than there are count as all.</summary>
    /// <returns>True when none is left.</returns>
    public bool Release(InodeNumber number, ulong count) => StripeOf(number.Value).Remove(number.Value, count);

    public bool IsRetained(InodeNumber number) => StripeOf(number.Value).Contains(number.Value);

    private Stripe StripeOf(uint inode) => _stripes[Hash(inode) >> (64 - StripeBits)];

    /// <summary>Fibonacci hashing: bits 32 and up depend on every bit of the number.</summary>
    private static ulong Hash(uint inode) => unchecked(inode * 11400714819323198485UL);

    private struct Node
    {
        public uint Inode;

        /// <summary>References; 0: the slot is free.</summary>
        public ulong Count;
    }

    private sealed class Stripe
    {
        private readonly Lock _gate = new();
        private Node[] _slots = new Node[16];

        public int Count { get; private set; }

        public void Add(uint inode)
        {
            lock (_gate)
            {
                ref Node slot = ref Find(inode);
                if (slot.Count > 0)
                {
                    slot.Count++;
                    return;
                }
                slot = new Node { Inode = inode, Count = 1 };
                Count++;
                if (Count > _slots.Length / 4 * 3)
                {
                    Resize(_slots.Length * 2);
                }
            }
        }

        public bool Remove(uint inode, ulong count)
        {
            lock (_gate)
            {
                ref Node slot = ref Find(inode);
                if (slot.Count == 0)
                {
                    return true;
                }
                if (slot.Count > count)
                {
                    slot.Count -= count;
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
                return Find(inode).Count > 0;
            }
        }

        /// <summary>The node's slot, or the free one where it belongs. There is always a free slot.</summary>
        private ref Node Find(uint inode)
        {
            int mask = _slots.Length - 1;
            int index = Home(inode, mask);
            while (_slots[index].Count > 0 && _slots[index].Inode != inode)
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
                if (_slots[index].Count == 0)
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
                if (node.Count > 0)
                {
                    Find(node.Inode) = node;
                }
            }
        }

        /// <summary>The stripe is chosen by the hash's top bits, the slot by those below them.</summary>
        private static int Home(uint inode, int mask) => (int)(Hash(inode) >> 33) & mask;
    }
}
