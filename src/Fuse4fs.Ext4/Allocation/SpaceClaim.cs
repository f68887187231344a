namespace Fuse4fs.Ext4.Allocation;

/// <summary>How deep a request may dig into the last free space. Kernel: ext4_has_free_clusters.</summary>
public enum SpaceClaim
{
    /// <summary>Leaves the superuser's reserve (s_r_blocks_count) and the metadata pool alone.</summary>
    Ordinary,

    /// <summary>May use the superuser's reserve: root, s_def_resuid, members of s_def_resgid.</summary>
    Reserve,

    /// <summary>As <see cref="Ordinary"/>, for data that was accepted before the space was asked for: may also use half as
    /// much as the metadata pool holds.</summary>
    AcceptedOrdinary,

    /// <summary>As <see cref="Reserve"/>, for data that was accepted before.</summary>
    AcceptedReserve,

    /// <summary>May use everything: tree blocks without which data already accepted could not be kept.</summary>
    Metadata,
}
