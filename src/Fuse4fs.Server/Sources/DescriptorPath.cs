using System.Globalization;

namespace Fuse4fs.Server.Sources;

/// <summary>Paths that name an open descriptor of this process.</summary>
public static class DescriptorPath
{
    /// <summary>N of /proc/self/fd/N or /dev/fd/N; null for any other path.</summary>
    public static int? Number(string path)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["/proc/self/fd/", "/dev/fd/"])
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(path.AsSpan(prefix.Length),
                NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return number;
            }
        }
        return null;
    }
}
