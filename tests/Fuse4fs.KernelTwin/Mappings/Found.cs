using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>The answer to "where is this", from the cache or from the server. Section 6.2, "What the two slots mean".
/// </summary>
/// <param name="Sequence">Of the cache it came from; null: straight from the server, valid for its whole use.</param>
internal sealed record Found(OperationFlags Operation, Mapping Read, Mapping Write, long? Sequence)
{
    private bool IsOutOfPlace =>
        (Operation & OperationFlags.WriteClass) != 0 && Write.Type != MappingType.PureOverwrite;

    /// <summary>What is written to, or read from.</summary>
    public Mapping Target => IsOutOfPlace ? Write : Read;

    /// <summary>Where the bytes around a partial write come from.</summary>
    public Mapping Source => IsOutOfPlace && Read.Type != MappingType.Hole ? Read : Target;

    /// <summary>How much of a request the mappings cover.</summary>
    public long Clip(long position, long count)
    {
        long end = Math.Min(Target.End, Source.End);
        return Math.Min(count, end - position);
    }
}
