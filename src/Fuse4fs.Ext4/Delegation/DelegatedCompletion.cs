using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Data of a file that has reached the device.</summary>
/// <param name="OffsetBytes">First byte.</param>
/// <param name="LengthBytes">1 and up.</param>
public record struct DelegatedCompletion(long OffsetBytes, long LengthBytes)
{
    /// <summary>First byte behind it.</summary>
    public readonly long EndBytes => OffsetBytes + LengthBytes;

    /// <summary>The caller's own.</summary>
    public int Tag { get; set; }

    /// <summary>What prevented it, or Ok.</summary>
    public Errno Outcome { get; set; }

    /// <summary>The file's stored size afterwards.</summary>
    public long SizeBytes { get; set; }
}
