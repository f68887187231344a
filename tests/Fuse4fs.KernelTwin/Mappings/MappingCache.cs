using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>The mapping cache of one inode: it exists from the first successful upsert on. Section 7.</summary>
internal sealed class MappingCache
{
    public MappingFork Read { get; } = new();

    /// <summary>Null until a real mapping was upserted into the write slot: every write is then in place.</summary>
    public MappingFork? Write { get; private set; }

    /// <summary>Changes whenever the cache does.</summary>
    public long Sequence { get; private set; }

    /// <summary>How often a whole fork was dropped because there was too much in it.</summary>
    public int Overruns { get; private set; }

    /// <summary>Records with a byte of a device that this one has, too.</summary>
    public IEnumerable<Mapping> SharingBlocks(Mapping mapping) =>
        Write is null ? Read.SharingBlocks(mapping) : Read.SharingBlocks(mapping).Concat(Write.SharingBlocks(mapping));

    public void UpsertRead(in Mapping record, uint limitBytes) => Upsert(Read, record, limitBytes);

    public void UpsertWrite(in Mapping record, uint limitBytes)
    {
        if (Write is null && record.Type == MappingType.PureOverwrite)
        {
            return;
        }
        Write ??= new MappingFork();
        Upsert(Write, record, limitBytes);
    }

    public void RemoveRead(long from, long to)
    {
        Read.Remove(from, to);
        Sequence++;
    }

    public void RemoveWrite(long from, long to)
    {
        Write?.Remove(from, to);
        Sequence++;
    }

    public void Remove(long from, long to)
    {
        RemoveRead(from, to);
        RemoveWrite(from, to);
    }

    /// <summary>Section 7.2: the pair a request may use without asking, or null for a miss.</summary>
    public (Mapping Read, Mapping Write)? Find(long position, OperationFlags operation)
    {
        bool writes = (operation & OperationFlags.WriteClass) != 0;
        if (Read.Find(position) is not Mapping read)
        {
            return null;
        }
        Mapping pure = new(read.Offset, read.Length, Mapping.NullAddress, MappingType.PureOverwrite, 0, 0);
        Mapping write = pure;
        if (writes && Write is not null)
        {
            if (Write.Find(position) is not Mapping cached)
            {
                return null;
            }
            write = cached;
        }
        MappingType target = writes && write.Type != MappingType.PureOverwrite ? write.Type : read.Type;
        bool fillsHole = writes && (operation & (OperationFlags.Zero | OperationFlags.Unshare)) == 0;
        bool needsBlocks = (operation & (OperationFlags.Direct | OperationFlags.Writeback)) != 0;
        return (target == MappingType.Hole && fillsHole) || (target == MappingType.Delalloc && needsBlocks)
            ? null : (read, write);
    }

    private void Upsert(MappingFork fork, in Mapping record, uint limitBytes)
    {
        // The limit is looked at before the record goes in: one record more than fits stays.
        if (fork.Bytes > limitBytes)
        {
            fork.Clear();
            Overruns++;
        }
        fork.Insert(record);
        Sequence++;
    }
}
