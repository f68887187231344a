using Fuse4fs.Ext4.Format;
using Serilog;

namespace Fuse4fs.Server.Mounting;

/// <summary>All log lines of this project.</summary>
internal static class ServerLog
{
    public static void Mounted(ILogger log, string source, string mountPoint, bool isReadOnly) =>
        log.Information("{Source} mounted on {MountPoint} {Mode}", source, mountPoint, isReadOnly ? "ro" : "rw");

    public static void Unmounted(ILogger log, string source) => log.Information("{Source} unmounted", source);

    public static void NoIomap(ILogger log, string why) => log.Information("data passes through the server: {Why}", why);

    public static void Timing(ILogger log, string operation, long requests, double milliseconds) =>
        log.Information("{Operation}: {Requests} requests, {Milliseconds:0.0} ms", operation, requests, milliseconds);

    public static void Stopping(ILogger log) => log.Information("asked to stop: unmounting");

    public static void Detached(ILogger log) =>
        log.Warning("the mount is in use: detached, served until its last file is closed");

    public static void FreezeEnded(ILogger log) =>
        log.Warning("nobody thawed the mount before the freeze's time was over: thawed");

    public static void NoControl(ILogger log, string why) =>
        log.Warning("this mount has no control socket: {Why}", why);

    public static void NoMetrics(ILogger log, string path, string problem) =>
        log.Warning("metrics cannot be written to {Path}: {Problem}", path, problem);

    public static void NotSealed(ILogger log, string why) => log.Information("no sandbox: {Why}", why);

    public static void SealedInPart(ILogger log, string missing) =>
        log.Information("a sandbox without what cannot be had here: {Missing}", missing);

    public static void Panic(ILogger log) =>
        log.Fatal("the file system is damaged and errors=panic: nothing is served any more");

    public static void Notice(ILogger log, string notice) => log.Warning("{Notice}", notice);

    public static void Warning(ILogger log, string message) => log.Warning("{Message}", message);

    public static void Damage(ILogger log, Ext4CorruptException damage, InodeNumber inode) =>
        log.Error("inode {Inode}: {Damage}", inode.Value, damage.Message);

    public static void DeviceFailed(ILogger log, Exception failure) =>
        log.Error("the device failed: {Failure}", failure.Message);

    public static void HandlerFailed(ILogger log, string operation, ulong node, Exception failure) =>
        log.Error(failure, "{Operation} on node {Node} failed", operation, node);

    public static void BackgroundFailed(ILogger log, Exception failure) =>
        log.Error(failure, "work in the background failed");
}
