using System.Globalization;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Times in UTC: what a command prints must not depend on where it runs.</summary>
internal static class TimeText
{
    /// <summary>ISO 8601 with nanoseconds.</summary>
    public static string Of(Timestamp time) =>
        DateTime.UnixEpoch.AddSeconds(time.Seconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)
        + time.Nanoseconds.ToString("'.'000000000'Z'", CultureInfo.InvariantCulture);

    /// <summary>To the second, for listings.</summary>
    public static string Short(Timestamp time) =>
        DateTime.UnixEpoch.AddSeconds(time.Seconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
