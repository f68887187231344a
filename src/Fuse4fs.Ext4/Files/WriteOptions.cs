using Fuse4fs.Ext4.Allocation;

namespace Fuse4fs.Ext4.Files;

/// <summary>How data is written.</summary>
public readonly record struct WriteOptions
{
    /// <summary>The writer may take blocks of the superuser's reserve.</summary>
    public bool MayUseReserve { get; init; }

    /// <summary>The data comes from a cache whose owner keeps the times and sets them himself, and has accepted the data
    /// already.</summary>
    public bool IsCached { get; init; }

    /// <summary>Somebody else keeps the times, and has set them himself or is going to.</summary>
    public bool KeepsTimes { get; init; }

    /// <summary>Set-user-id is to be taken away, and set-group-id where the group may execute.</summary>
    public bool KillsPrivileges { get; init; }

    /// <summary>Beside <see cref="KillsPrivileges"/>: set-group-id in any case, for the writer is not of the group.</summary>
    public bool IsOutsideGroup { get; init; }

    /// <summary>Somebody else moves the data: he keeps the times, and zeroes what is left of blocks.</summary>
    public bool IsDelegated { get; init; }

    /// <summary>The change moves modification and change time to the present.</summary>
    internal bool MovesTimes => !IsCached && !KeepsTimes && !IsDelegated;

    /// <summary>How deep to dig into the last free space.</summary>
    internal SpaceClaim Claim => (MayUseReserve, IsCached) switch
    {
        (true, true) => SpaceClaim.AcceptedReserve,
        (true, false) => SpaceClaim.Reserve,
        (false, true) => SpaceClaim.AcceptedOrdinary,
        _ => SpaceClaim.Ordinary,
    };
}
