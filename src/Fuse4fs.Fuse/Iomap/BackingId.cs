namespace Fuse4fs.Fuse.Iomap;

/// <summary>The kernel's number of a registered device (1 to 1024) or stripe set (2048 to 3072); 0: none.</summary>
public readonly record struct BackingId(uint Number)
{
    /// <summary>FUSE_IOMAP_DEV_NULL.</summary>
    public static BackingId None => default;

    private const uint FirstStripeSet = 2048;

    /// <summary>Whether addresses count in the space of a stripe set.</summary>
    public bool IsStripeSet => Number >= FirstStripeSet;
}
