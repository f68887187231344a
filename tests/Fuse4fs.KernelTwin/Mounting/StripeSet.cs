namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>A RAID-0 address space over registered devices. Section 11; v9 only.</summary>
internal sealed record StripeSet(uint Id, long Width, IReadOnlyList<(BackingDevice Device, ulong Address)> Strips)
{
    /// <summary>Where an address of the striped space lies, and how far the strip goes on from there.</summary>
    public (BackingDevice Device, ulong Address, long Left) Resolve(ulong address)
    {
        ulong width = (ulong)Width;
        ulong strip = address / width;
        ulong inside = address % width;
        (BackingDevice device, ulong start) = Strips[(int)(strip % (ulong)Strips.Count)];
        return (device, start + (strip / (ulong)Strips.Count * width) + inside, (long)(width - inside));
    }
}
