using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4;

/// <summary>What chmod(2), chown(2), truncate(2) and utimensat(2) change; null leaves a field as it is.</summary>
public readonly record struct AttributeChange
{
    /// <summary>Permission, set-id and sticky bits.</summary>
    public ushort? Permissions { get; init; }

    public uint? UserId { get; init; }

    public uint? GroupId { get; init; }

    /// <summary>Bytes; regular files only.</summary>
    public long? SizeBytes { get; init; }

    public TimeChange AccessTime { get; init; }

    public TimeChange ModificationTime { get; init; }

    /// <summary>Where it says nothing, a change of anything else sets it to now.</summary>
    public TimeChange ChangeTime { get; init; }

    /// <summary>Set-id bits are to be taken away, because somebody without the right to keep them changes data.</summary>
    public bool KillsPrivileges { get; init; }

    /// <summary>As for data: a growing tree may dig into the reserve.</summary>
    public bool MayUseReserve { get; init; }

    /// <summary>Handed in with a descriptor open for writing, which was opened when that was permitted.</summary>
    public bool IsFromWriter { get; init; }

    /// <summary>Whoever moves the data of regular files himself, and decides who may change them, says how it is: nothing
    /// is checked, and nothing follows that he does not ask for.</summary>
    public bool IsDelegated { get; init; }

    /// <summary>A cache keeps the times: where none are given a change of the size moves none.</summary>
    public bool KeepsTimes { get; init; }

    /// <summary>Times only, as a cache hands them in that kept them for a while; a user may ask for the same.</summary>
    public bool MayBeCached => Permissions is null && UserId is null && GroupId is null && SizeBytes is null
        && !KillsPrivileges && !AccessTime.IsSet;
}
