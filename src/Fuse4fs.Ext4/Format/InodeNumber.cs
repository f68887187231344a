namespace Fuse4fs.Ext4.Format;

/// <summary>Inode number, counted from 1; 0 means none. Docs: ext4/special_inodes.</summary>
public readonly record struct InodeNumber(uint Value) : IComparable<InodeNumber>
{
    public static readonly InodeNumber None = new(0);
    public static readonly InodeNumber BadBlocks = new(1);
    public static readonly InodeNumber Root = new(2);
    public static readonly InodeNumber UserQuota = new(3);
    public static readonly InodeNumber GroupQuota = new(4);
    public static readonly InodeNumber BootLoader = new(5);
    public static readonly InodeNumber Resize = new(7);
    public static readonly InodeNumber Journal = new(8);

    /// <summary>The first one for files where the superblock does not say (revision 0).</summary>
    public static readonly InodeNumber FirstOfRevision0 = new(11);

    /// <inheritdoc/>
    public int CompareTo(InodeNumber other) => Value.CompareTo(other.Value);

    public static bool operator <(InodeNumber left, InodeNumber right) => left.Value < right.Value;

    public static bool operator >(InodeNumber left, InodeNumber right) => left.Value > right.Value;

    public static bool operator <=(InodeNumber left, InodeNumber right) => left.Value <= right.Value;

    public static bool operator >=(InodeNumber left, InodeNumber right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
