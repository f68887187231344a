using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Who may at this moment read or write which blocks of which device: cached records, I/O under way, swap
/// leases. A block handed out twice is found here, before data is lost. Section 7.7.</summary>
internal sealed class BlockUsers(TwinKernel kernel)
{
    private readonly List<(Inode Inode, Mapping Mapping, Rule Rule)> _uses = [];

    public void Add(Inode inode, in Mapping mapping, Rule rule)
    {
        if (mapping.HasAddress && !mapping.IsStripe)
        {
            _uses.Add((inode, mapping, rule));
        }
    }

    public void Remove(Inode inode, in Mapping mapping, Rule rule) => _uses.Remove((inode, mapping, rule));

    public void RemoveAll(Inode inode, Rule rule) =>
        _uses.RemoveAll(use => use.Inode == inode && use.Rule == rule);

    /// <summary>Looks at a mapping that the server hands out.</summary>
    public void Check(Inode inode, in Mapping mapping)
    {
        if (!mapping.HasAddress || mapping.IsStripe)
        {
            return;
        }
        foreach ((Inode user, Mapping used, Rule rule) in _uses)
        {
            if (Conflicts(inode, mapping, user, used))
            {
                kernel.Rules.Report(rule, $"node {inode.NodeId} gets {mapping} at {mapping.Address}, in use by node "
                    + $"{user.NodeId} as {used} at {used.Address}");
                return;
            }
        }
        foreach (Inode other in kernel.Inodes.All)
        {
            CheckCache(inode, mapping, other);
        }
    }

    private void CheckCache(Inode inode, in Mapping mapping, Inode other)
    {
        if (other.Mappings is not { } cache)
        {
            return;
        }
        foreach (Mapping cached in cache.SharingBlocks(mapping))
        {
            if (Conflicts(inode, mapping, other, cached))
            {
                kernel.Rules.Report(RuleBook.BlockReuse, $"node {inode.NodeId} gets {mapping} at {mapping.Address}, "
                    + $"still cached for node {other.NodeId} as {cached} at {cached.Address}");
                return;
            }
        }
    }

    private static bool Conflicts(Inode inode, in Mapping mapping, Inode user, in Mapping used)
    {
        if (!used.HasAddress || used.IsStripe || used.Device != mapping.Device
            || ((used.Flags | mapping.Flags) & MappingFlags.Shared) != 0
            || mapping.Address >= used.Address + (ulong)used.Length
            || used.Address >= mapping.Address + (ulong)mapping.Length)
        {
            return false;
        }
        return inode != user || mapping.AddressOf(mapping.Offset) - (ulong)mapping.Offset
            != used.Address - (ulong)used.Offset;
    }
}
