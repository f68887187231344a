using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests;

/// <summary>An image mounted by the command, unmounted by Dispose.</summary>
internal sealed partial class ServedMount : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private bool _isMounted;

    /// <summary>Mounts.</summary>
    /// <param name="image">Given as it is.</param>
    /// <param name="options">An -o list.</param>
    public ServedMount(string image, string options = "ro")
    {
        MountPoint = _directory.CreateSubdirectory("mnt");
        ToolResult result = Command.Run("-o", options, image, MountPoint);
        try
        {
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal("", result.Output);
            Messages = result.Errors;
            _isMounted = true;
            ServerProcess = int.Parse(Status("process"), CultureInfo.InvariantCulture);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string MountPoint { get; }

    /// <summary>What the command said although it succeeded.</summary>
    public string Messages { get; }

    public int ServerProcess { get; }

    /// <summary>The name of something inside.</summary>
    public string Combine(string name) => Path.Combine(MountPoint, name);

    /// <summary>Its line in the mount table.</summary>
    public MountEntry Entry => MountTable.Find(MountPoint) ?? throw new InvalidOperationException("not mounted");

    /// <summary>A value of fuse4fs status.</summary>
    public string Status(string key)
    {
        string lines = Command.Run("status", MountPoint).Output;
        return lines.Split('\n').FirstOrDefault(line => line.StartsWith(key + ":", StringComparison.Ordinal))?
            [(key.Length + 1)..].Trim() ?? "";
    }

    /// <summary>Requests so far of some kinds, by the kernel's names.</summary>
    public long Requests(params string[] kinds)
    {
        string lines = Command.Run("status", MountPoint).Output;
        return RequestLine().Matches(lines)
            .Where(line => kinds.Contains(line.Groups[1].Value))
            .Sum(line => long.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>Unmounts by the command; returns when the image is let go.</summary>
    public void Unmount()
    {
        ToolResult result = Command.Run("umount", MountPoint);
        // A program that another test is starting holds a copy of every descriptor from its fork to its exec.
        for (int attempt = 0; attempt < 20 && result.Errors.Contains("in use", StringComparison.Ordinal); attempt++)
        {
            Thread.Sleep(200);
            result = Command.Run("umount", MountPoint);
        }
        Assert.True(result is { ExitCode: 0, Output: "", Errors: "" }, result.ToString());
        _isMounted = false;
    }

    /// <summary>Waits for the server's process to end; a test's patience, not a measurement.</summary>
    public bool ServerEnds() => SpinWait.SpinUntil(
        () => !Directory.Exists($"/proc/{ServerProcess}") || IsZombie(ServerProcess), TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        if (_isMounted && MountTable.Find(MountPoint) is not null)
        {
            Command.Run("umount", MountPoint);
        }
        _directory.Dispose();
    }

    private static bool IsZombie(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Contains(") Z", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    [GeneratedRegex(@"^(\w+): (\d+) requests", RegexOptions.Multiline)]
    private static partial Regex RequestLine();
}
