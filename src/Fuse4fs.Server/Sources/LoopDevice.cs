using Fuse4fs.Fuse.Mounting;

namespace Fuse4fs.Server.Sources;

/// <summary>A loop device that stands for an image.</summary>
/// <param name="Path">/dev/loopN.</param>
/// <param name="IsReadOnly">Attached read-only.</param>
/// <param name="Mount">Where the kernel has it mounted, as seen from here.</param>
internal sealed record LoopDevice(string Path, bool IsReadOnly, MountEntry? Mount)
{
    /// <summary>Mounted, and by that mount changed.</summary>
    public bool IsMountedForWriting => Mount is not null && Mount.Options.Split(',').Contains("rw");
}
