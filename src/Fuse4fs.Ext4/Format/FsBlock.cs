namespace Fuse4fs.Ext4.Format;

/// <summary>Block number on the file system's device: neither a byte offset nor a block within a file.</summary>
public readonly record struct FsBlock(ulong Value) : IComparable<FsBlock>
{
    /// <inheritdoc/>
    public int CompareTo(FsBlock other) => Value.CompareTo(other.Value);

    public static FsBlock operator +(FsBlock block, ulong count) => new(block.Value + count);

    public static bool operator <(FsBlock left, FsBlock right) => left.Value < right.Value;

    public static bool operator >(FsBlock left, FsBlock right) => left.Value > right.Value;

    public static bool operator <=(FsBlock left, FsBlock right) => left.Value <= right.Value;

    public static bool operator >=(FsBlock left, FsBlock right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
