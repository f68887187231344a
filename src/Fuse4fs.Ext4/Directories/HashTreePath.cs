using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The way from a root to a leaf of a directory's index.</summary>
internal struct HashTreePath
{
    /// <summary>EXT4_HTREE_LEVEL: the root and two levels of nodes below it, with large_dir.</summary>
    public const int MaximumNodes = 3;

    private Steps _steps;

    /// <summary>Levels of nodes below the root.</summary>
    public int IndirectLevels;

    /// <summary>How the directory's names are hashed.</summary>
    public NameHasher Hasher;

    /// <summary>The hash version the root names.</summary>
    public HashVersion Version;

    /// <summary>First hash of the leaf, low bit cleared.</summary>
    public uint LeafHash;

    /// <summary>The leaf, block of the directory.</summary>
    public uint Leaf;

    /// <summary>One node of the way, to be changed; 0 is the root.</summary>
    [UnscopedRef]
    public ref Step this[int level] => ref _steps[level];

    /// <summary>One node of the way; 0 is the root.</summary>
    public readonly Step At(int level) => _steps[level];

    /// <summary>A node and the entry taken in it.</summary>
    public record struct Step(uint Block, int Index, int Count);

    [InlineArray(MaximumNodes)]
    private struct Steps
    {
        private Step _first;
    }
}
