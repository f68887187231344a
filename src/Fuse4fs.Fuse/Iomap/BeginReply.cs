namespace Fuse4fs.Fuse.Iomap;

/// <summary>The answer to IOMAP_BEGIN. Both parts are always sent, and checked before.</summary>
public struct BeginReply
{
    /// <summary>The read slot: where data comes from, and where it goes unless <see cref="Target"/> says otherwise.</summary>
    public Mapping Source;

    /// <summary>The write slot.</summary>
    public Mapping Target;

    /// <summary>For reads, and for writes in place: nearly always.</summary>
    public void SetInPlace(in Mapping mapping)
    {
        Source = mapping;
        Target = Mapping.WithoutAddress(mapping.Offset, mapping.Length, MappingKind.PureOverwrite);
    }

    /// <summary>For writes to other blocks than those that hold the old data. The kernel works on what both ranges have
    /// in common; a Hole as source says that there is no old data.</summary>
    public void SetOutOfPlace(in Mapping source, in Mapping target)
    {
        Source = source;
        Target = target;
    }
}
