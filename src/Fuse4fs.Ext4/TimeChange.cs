using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4;

/// <summary>What happens to one time of an inode: nothing (the default), the present, or a given time.</summary>
public readonly record struct TimeChange
{
    private readonly Timestamp? _time;

    private TimeChange(bool isSet, Timestamp? time)
    {
        IsSet = isSet;
        _time = time;
    }

    /// <summary>The present, when the change is made.</summary>
    public static TimeChange ToNow { get; } = new(isSet: true, time: null);

    /// <summary>Whether anything happens.</summary>
    public bool IsSet { get; }

    /// <summary>A given time; clamped to what the inode can hold.</summary>
    public static TimeChange To(Timestamp time) => new(isSet: true, time);

    /// <summary>The time afterwards.</summary>
    internal Timestamp Apply(Timestamp before, Timestamp now, bool hasExtra) =>
        !IsSet ? before : (_time ?? now).Clamp(hasExtra);
}
