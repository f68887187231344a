using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Opens;

/// <summary>What is remembered of an open file on a writable mount: writes that come out of the kernel's cache name no
/// caller, so the one who opened decides about the reserve.</summary>
/// <param name="Inode">Which file.</param>
/// <param name="CanWrite">Opened for writing.</param>
/// <param name="MayUseReserve">The opener may take blocks kept back for the superuser.</param>
/// <param name="WritesDirectly">Opened to be written past the kernel's page cache.</param>
internal readonly record struct OpenFile(InodeNumber Inode, bool CanWrite, bool MayUseReserve, bool WritesDirectly);
