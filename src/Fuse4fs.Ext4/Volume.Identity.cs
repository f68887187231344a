using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

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

    /// <summary>Gives the volume another label, which those see at once who read the device.</summary>
    /// <returns>Invalid for more than <see cref="MaximumLabelBytes"/>, ReadOnly, InputOutput, or Ok.</returns>
    /// <remarks>Waits for the device.</remarks>
    public Errno SetLabel(ReadOnlySpan<byte> label)
    {
        if (label.Length > MaximumLabelBytes)
        {
            return Errno.Invalid;
        }
        if (Journal is null || Context.IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        Bytes16 name = default;
        label.CopyTo(name);
        Errno error = Journal.TryStart(SuperblockChange.Credits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            SuperblockChange.Apply(Context, handle, (ref Superblock super) => super.VolumeName = name);
            handle.Complete();
        }
        return Journal.BringHome();
    }
}
