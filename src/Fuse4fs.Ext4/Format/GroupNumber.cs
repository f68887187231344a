namespace Fuse4fs.Ext4.Format;

/// <summary>Number of a block group, counted from 0. Docs: ext4/blockgroup.</summary>
public readonly record struct GroupNumber(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
