using System.Diagnostics;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>A handler mounted for real in a temporary directory, served by this process, unmounted at the end whatever
/// happened.</summary>
internal sealed class TestMount : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly FuseMount _mount;

    public TestMount(IRequestHandler handler, InitFlags wanted, MountOptions? options = null, int workers = 0)
    {
        SkipUnlessPossible();
        Path = NewMountPoint();
        try
        {
            _mount = FuseMount.Mount(Path, options ?? new MountOptions { Subtype = "test" });
        }
        catch
        {
            Directory.Delete(Path);
            throw;
        }
        Session = new FuseSession(_mount.Device, handler, new SessionOptions
        {
            Workers = workers,
            RingThreadsPerCpu = workers == 1 ? 1 : 2,
            Capabilities = new CapabilityRequest { Flags = wanted },
        });
        Session.Start();
    }

    public string Path { get; }

    public FuseSession Session { get; }

    public FuseMount Mount => _mount;

    public static void SkipUnlessPossible()
    {
        Assert.SkipUnless(LibC.GetEffectiveUid() == 0, "mounting in this process needs root");
        Assert.SkipUnless(File.Exists(FuseDevice.Path), $"no {FuseDevice.Path}");
    }

    public static string NewMountPoint() => Directory.CreateTempSubdirectory("fuse4fs-test-").FullName;

    public long Requests(Opcode opcode) => Session.Counts()[OperationTable.SlotOf(opcode)].Requests;

    /// <summary>Requests in words, by kind; those that come when the kernel likes are left out,
    /// and STATFS, which is never cached.</summary>
    public string RequestsOnDemand()
    {
        OperationCount[] counts = Session.Counts();
        Opcode[] apart = [Opcode.Forget, Opcode.BatchForget, Opcode.Release, Opcode.StatFs];
        return string.Join(", ", Enumerable.Range(0, counts.Length)
            .Where(slot => counts[slot].Requests > 0 && !apart.Any(one => OperationTable.SlotOf(one) == slot))
            .Select(slot => $"{OperationTable.NameOf(slot)} {counts[slot].Requests}"));
    }

    /// <summary>Runs a shell command and gives its output.</summary>
    public static string Shell(string command, int expectedExitCode = 0)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> problems = shell.StandardError.ReadToEndAsync();
        string output = shell.StandardOutput.ReadToEnd();
        Assert.True(shell.WaitForExit(_patience), $"hangs: {command}");
        Assert.True(shell.ExitCode == expectedExitCode, $"{command}: exit code {shell.ExitCode}, {problems.Result}");
        return output;
    }

    /// <summary>Cuts the connection as an administrator can.</summary>
    public void Abort()
    {
        string minor = MountTable.Find(Path)!.Device.Split(':')[1];
        string control = NewMountPoint();
        try
        {
            Shell($"mount -t fusectl none {control} && echo 1 > {control}/{minor}/abort");
        }
        finally
        {
            Shell($"umount {control}; rmdir {control}");
        }
    }

    public void Unmount(bool lazily = false)
    {
        Assert.Equal(Errno.Ok, _mount.Unmount(lazily));
        Assert.True(Session.WaitForEnd(_patience), "the session goes on after the unmount");
    }

    public void Dispose()
    {
        _ = _mount.Unmount(lazily: true);
        Session.Dispose();
        Directory.Delete(Path);
    }
}
