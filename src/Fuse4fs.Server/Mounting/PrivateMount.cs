using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>A mount that only the machine's superuser can enter: he makes it and does not let others in, so the kernel's
/// FUSE refuses whoever is not him in every respect. Permission bits never stop him; checking them all the same has
/// the kernel ask for a directory's attributes once more after each change in it.</summary>
/// <remarks>He can still act for somebody else by his file-system user id (setfsuid(2), a file server in the kernel).
/// The kernel then asks nobody; see <see cref="VolumeRequests"/>. Kernel: fuse_permission,
/// fuse_permissible_uidgid.</remarks>
internal static class PrivateMount
{
    private const string AdoptedPrefix = "/dev/fd/";

    /// <summary>Whether a mount with these options, made by this process, is one.</summary>
    public static bool IsSuperusers(ServeOptions options) =>
        options.Given is null && !options.Mount.AllowOther && !options.Mount.DefaultPermissions && !options.FakeRoot
        && !options.MountPoint.StartsWith(AdoptedPrefix, StringComparison.Ordinal)
        && LibC.GetUid() == 0 && LibC.GetEffectiveUid() == 0 && IsFirstUserNamespace();

    /// <summary>Root of another user namespace owns only the inodes of users that exist there.</summary>
    private static bool IsFirstUserNamespace()
    {
        try
        {
            string[] words = File.ReadAllText("/proc/self/uid_map")
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return words is ["0", "0", "4294967295"];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
