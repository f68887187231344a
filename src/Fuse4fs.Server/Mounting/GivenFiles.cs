using Fuse4fs.Fuse.Mounting.Service;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>What a mount service was handed instead of rights: files that the caller's helper opened, and the helper
/// itself, which mounts.</summary>
/// <param name="Service">The connection to the helper.</param>
/// <param name="Image">The image or device, open as <paramref name="IsImageReadOnly"/> says.</param>
/// <param name="IsImageReadOnly">It can only be read.</param>
/// <param name="Journal">The external journal, or null.</param>
public sealed record GivenFiles(
    MountService Service, FileDescriptor Image, bool IsImageReadOnly, FileDescriptor? Journal);
