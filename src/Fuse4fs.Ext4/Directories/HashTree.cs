using System.Diagnostics.CodeAnalysis;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Finds leaves through a directory's index. Docs: ext4/directory, "Hash Tree Directories".</summary>
internal sealed class HashTree(DirectoryBlocks blocks, DirectorySettings settings)
{
    /// <summary>Reads the root: how names are hashed, and how deep the tree is.</summary>
    /// <exception cref="Ext4CorruptException">The index cannot be used.</exception>
    public void ReadRoot(Inode directory, in DirectoryLayout layout, out HashTreePath path)
    {
        path = default;
        using BlockLease lease = blocks.ReadNode(directory, 0, layout);
        HashTreeRoot root = HashTreeRoot.Decode(lease.Bytes, layout, settings.MaximumIndirectLevels);
        path.IndirectLevels = root.IndirectLevels;
        path.Version = root.HashVersion;
        path.Hasher = settings.HasherOf(directory, root.HashVersion);
    }

    /// <summary>Goes from the root to the leaf where names of a hash begin.</summary>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="hash">Even.</param>
    /// <param name="path">From <see cref="ReadRoot"/>.</param>
    /// <exception cref="Ext4CorruptException">A node on the way cannot be used.</exception>
    public void Probe(Inode directory, in DirectoryLayout layout, uint hash, ref HashTreePath path)
    {
        path.LeafHash = 0;
        uint block = 0;
        for (int level = 0; level <= path.IndirectLevels; level++)
        {
            using BlockLease lease = blocks.ReadNode(directory, block, layout);
            HashTreeNode node = HashTreeNode.Decode(lease.Bytes, level == 0, layout);
            int index = node.Find(hash);
            path[level] = new HashTreePath.Step(block, index, node.Count);
            if (index > 0)
            {
                path.LeafHash = node.HashAt(index) & ~1u;
            }
            block = CheckedChild(directory, in path, level, node.BlockAt(index));
        }
        path.Leaf = block;
    }

    /// <summary>What the leaf behind the present one starts with.</summary>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="path">At a leaf.</param>
    /// <param name="hash">The first hash there; its low bit says that names of this hash begin before it.</param>
    /// <returns>False behind the last leaf.</returns>
    /// <exception cref="Ext4CorruptException">Hashes descend, or a node cannot be used.</exception>
    public bool TryPeekNext(Inode directory, in DirectoryLayout layout, in HashTreePath path, out uint hash)
    {
        hash = 0;
        int level = LevelToAdvance(in path);
        if (level < 0)
        {
            return false;
        }
        HashTreePath.Step step = path.At(level);
        using BlockLease lease = blocks.ReadNode(directory, step.Block, layout);
        HashTreeNode node = HashTreeNode.Decode(lease.Bytes, level == 0, layout);
        if (step.Index + 1 >= node.Count)
        {
            return false;
        }
        hash = node.HashAt(step.Index + 1);
        if ((hash & ~1u) < path.LeafHash)
        {
            Throw(directory, $"hash {hash:x8} behind {path.LeafHash:x8}");
        }
        return true;
    }

    /// <summary>Goes to the leaf behind the present one, whose first hash <see cref="TryPeekNext"/> gave.</summary>
    public void MoveNext(Inode directory, in DirectoryLayout layout, uint hash, ref HashTreePath path)
    {
        int level = LevelToAdvance(in path);
        path[level].Index++;
        for (; level <= path.IndirectLevels; level++)
        {
            HashTreePath.Step step = path.At(level);
            using BlockLease lease = blocks.ReadNode(directory, step.Block, layout);
            HashTreeNode node = HashTreeNode.Decode(lease.Bytes, level == 0, layout);
            uint child = CheckedChild(directory, in path, level, node.BlockAt(step.Index));
            path[level].Count = node.Count;
            if (level == path.IndirectLevels)
            {
                path.Leaf = child;
            }
            else
            {
                path[level + 1] = new HashTreePath.Step(child, 0, int.MaxValue);
            }
        }
        path.LeafHash = hash & ~1u;
    }

    /// <summary>The deepest node that has an entry behind the one taken; -1 at the end of the tree.</summary>
    private static int LevelToAdvance(in HashTreePath path)
    {
        int level = path.IndirectLevels;
        while (level >= 0 && path.At(level).Index + 1 >= path.At(level).Count)
        {
            level--;
        }
        return level;
    }

    /// <summary>A child that is one of its ancestors would make a cycle.</summary>
    private static uint CheckedChild(Inode directory, in HashTreePath path, int level, uint child)
    {
        for (int above = 0; above <= level; above++)
        {
            if (path.At(above).Block == child)
            {
                Throw(directory, $"block {child} is its own ancestor");
            }
        }
        return child;
    }

    [DoesNotReturn]
    private static void Throw(Inode directory, string what) =>
        Ext4CorruptException.Throw(Corruption.HashTreeNode, $"index of directory {directory.Number}: {what}");
}
