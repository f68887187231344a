namespace Fuse4fs.Ext4.Allocation;

/// <summary>What claims mean beside how deep they dig.</summary>
internal static class SpaceClaims
{
    /// <summary>Made by the superuser or the file system itself: quotas do not bind.</summary>
    public static bool IsPrivileged(this SpaceClaim claim) =>
        claim is not (SpaceClaim.Ordinary or SpaceClaim.AcceptedOrdinary);
}
