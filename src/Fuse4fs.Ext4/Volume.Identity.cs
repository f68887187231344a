using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Bytes of a UUID.</summary>
    public const int UuidBytes = 16;

    /// <summary>Longest label, bytes.</summary>
    public const int MaximumLabelBytes = 16;

    /// <summary>The volume's UUID.</summary>
    /// <param name="uuid">At least <see cref="UuidBytes"/>.</param>
    public void GetUuid(Span<byte> uuid)
    {
        Superblock super = Context.CopySuperblock();
        ((ReadOnlySpan<byte>)super.Uuid).CopyTo(uuid);
    }

    /// <summary>The volume's label.</summary>
    /// <param name="label">At least <see cref="MaximumLabelBytes"/>.</param>
    /// <returns>Bytes of the label.</returns>
    public int GetLabel(Span<byte> label)
    {
        Superblock super = Context.CopySuperblock();
        ReadOnlySpan<byte> name = super.VolumeName;
        int zero = name.IndexOf((byte)0);
        name = zero < 0 ? name : name[..zero];
        name.CopyTo(label);
        return name.Length;
    }
}
