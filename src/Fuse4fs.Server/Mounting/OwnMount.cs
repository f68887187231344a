using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>What the server itself writes cannot be on its own mount: to unmount, or to stop, it would wait for answers
/// that only it can give.</summary>
internal static class OwnMount
{
    /// <summary>Refuses a file that would be inside the mount.</summary>
    /// <param name="mountPoint">Existing, as it was given.</param>
    /// <param name="file">Null for none. Its directory may be one that only the image has.</param>
    /// <param name="what">What the file is for.</param>
    /// <exception cref="MountRefusedException">It would be.</exception>
    public static void Refuse(string mountPoint, string? file, string what)
    {
        if (file is null || LibC.RealPath(mountPoint) is not string mount)
        {
            return;
        }
        string? existing = Path.GetDirectoryName(Path.GetFullPath(file));
        string? directory = null;
        while (existing is not null && (directory = LibC.RealPath(existing)) is null)
        {
            existing = Path.GetDirectoryName(existing);
        }
        if (directory is not null && (directory + "/").StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal))
        {
            throw new MountRefusedException($"{file}: the {what} cannot be inside the mount itself");
        }
    }
}
