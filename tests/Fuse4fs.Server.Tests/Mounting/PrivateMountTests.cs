using System.Globalization;
using System.Runtime.InteropServices;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>The superuser's own mount, which lets nobody else in: the kernel checks no permissions there.</summary>
public sealed partial class PrivateMountTests
{
    private const int AccessDenied = 13;
    private const int ReadOnly = 0;

    [Fact]
    public void Changing_a_directory_does_not_make_the_kernel_ask_for_its_attributes()
    {
        using var place = new Place("rw");
        Tool.Shell($"cd '{place.Mount.MountPoint}' && mkdir many && cd many && mkdir $(seq 200) && rmdir $(seq 200)");
        Assert.InRange(place.Requests("GETATTR"), 0, 100);
        place.End();
    }

    /// <summary>With a file-system user id of somebody else the superuser still gets in; then he has no rights at all.
    /// </summary>
    [Fact]
    public void Acting_for_somebody_else_is_refused()
    {
        using var place = new Place("rw");
        string secret = place.Mount.Combine("secret");
        File.WriteAllText(secret, "contents\n");
        Tool.Run("chmod", "600", secret);
        int error = 0;
        var other = new Thread(() => error = OpenAs(1000, secret));
        other.Start();
        other.Join();
        Assert.Equal(AccessDenied, error);
        Assert.Equal("contents\n", File.ReadAllText(secret));
        place.End();
    }

    /// <summary>A file that the superuser has opened may be used by whoever was given it.</summary>
    [Fact]
    public void An_open_file_may_be_handed_on()
    {
        Assert.SkipWhen(Host.Without("setpriv") is not null, "setpriv is not installed");
        using var place = new Place("rw");
        string file = place.Mount.Combine("file");
        Tool.Shell($"""
            setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'echo line' > '{file}'
            setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'read line; test "$line" = line' < '{file}'
            """);
        Assert.Equal("line\n", File.ReadAllText(file));
        place.End();
    }

    [Fact]
    public void An_access_list_changes_the_mode_that_was_shown_before()
    {
        Assert.SkipWhen(Host.Without("setfacl") is not null, "setfacl is not installed");
        using var place = new Place("rw");
        string file = place.Mount.Combine("file");
        string output = Tool.Shell($"""
            touch '{file}'; chmod 640 '{file}'; stat -c %a '{file}'
            setfacl -m u:1000:rwx '{file}'; stat -c %a '{file}'
            setfacl -m m::r '{file}'; stat -c %a '{file}'
            getfacl -npcE --omit-header '{file}' | tr '\n' ' '
            """);
        Assert.Equal("640\n670\n640\nuser::rw- user:1000:rwx group::r-- mask::r-- other::---  ", output);
        place.End();
    }

    [Fact]
    public void What_nobody_may_execute_the_superuser_may_not_either()
    {
        using var place = new Place("rw");
        string file = place.Mount.Combine("file");
        File.WriteAllText(file, "#!/bin/sh\n");
        Tool.Run("chmod", "200", file);
        Assert.Equal(0, Tool.Run("test", "-r", file).ExitCode);
        Assert.Equal(1, Tool.Run("test", "-x", file).ExitCode);
        Tool.Run("chmod", "210", file);
        Assert.Equal(0, Tool.Run("test", "-x", file).ExitCode);
        place.End();
    }

    [Fact]
    public void Whoever_lets_others_in_has_permissions_checked()
    {
        using var place = new Place("rw,allow_other");
        string line = File.ReadLines("/proc/self/mounts").Single(one =>
            one.Contains(place.Mount.MountPoint, StringComparison.Ordinal));
        Assert.Contains("default_permissions", line, StringComparison.Ordinal);
        place.End();
    }

    /// <summary>On a thread of its own, which ends with it.</summary>
    /// <returns>errno, or 0.</returns>
    private static int OpenAs(uint user, string path)
    {
        _ = SetFileSystemUser(user);
        int descriptor = OpenFile(path, ReadOnly);
        int error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = SetFileSystemUser(0);
        if (descriptor >= 0)
        {
            _ = CloseFile(descriptor);
        }
        return error;
    }

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileSystemUser(uint user);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int descriptor);

    /// <summary>An image and its mount.</summary>
    private sealed class Place : IDisposable
    {
        private readonly TestImage _image;

        public Place(string options)
        {
            Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
            _image = new TestImage("-t ext4");
            Mount = new FuseMount(_image.Path, options);
        }

        public FuseMount Mount { get; }

        /// <summary>How many requests of a kind there were.</summary>
        public int Requests(string kind)
        {
            string? line = Tool.Run(FuseMount.Command, "status", Mount.MountPoint).Output.Split('\n')
                .FirstOrDefault(one => one.StartsWith(kind + ": ", StringComparison.Ordinal));
            return line is null ? 0 : int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        }

        public void End()
        {
            Mount.Unmount();
            _image.AssertClean();
        }

        public void Dispose()
        {
            Mount.Dispose();
            _image.Dispose();
        }
    }
}
