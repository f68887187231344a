using System.Diagnostics;
using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Sandbox;

/// <summary>One user asks without end, by many processes; another one asks now and then, and gets his turn. Counted by
/// what was done meanwhile, not by time.</summary>
public sealed class FairnessTests
{
    private const int Flooders = 8;
    private const int Wanted = 200;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    [Theory]
    [InlineData("default")]
    [InlineData("strict")]
    public void A_flood_of_one_users_requests_does_not_starve_another_user(string mode)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipWhen(Host.Without("setpriv") is not null, "setpriv is not installed");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, $"rw,allow_other,sandbox={mode}");
        using var counts = new TemporaryDirectory();
        Tool.Shell($"chmod 777 '{mount.MountPoint}' '{counts.Path}'; chmod 755 \"$(dirname '{mount.MountPoint}')\"");
        var processes = new List<Process>();
        try
        {
            for (int i = 0; i < Flooders; i++)
            {
                // Each round makes a file and removes it; what it has done is the length of a file elsewhere.
                processes.Add(Start(1001, $"while :; do : > '{mount.Combine($"flood{i}")}'; rm -f '{mount.Combine($"flood{i}")}';"
                    + $" printf x; done > '{counts.Combine($"count{i}")}'"));
            }
            Assert.True(SpinWait.SpinUntil(() => Done(counts) > 20 * Flooders, s_patience), "there is no flood");
            long before = Done(counts);
            string polite = mount.Combine("polite");
            Process user = Start(1002, $"for i in $(seq {Wanted}); do : > '{polite}'; rm -f '{polite}'; done");
            processes.Add(user);
            Assert.True(user.WaitForExit(s_patience), $"starved: the others did {Done(counts) - before} rounds meanwhile");
            Assert.Equal(0, user.ExitCode);
            long meanwhile = Done(counts) - before;
            // A fair share is a ninth of all rounds; a tenth of that is not starving.
            Assert.True(meanwhile < Wanted * Flooders * 10, $"{meanwhile} rounds of others during {Wanted}");
        }
        finally
        {
            foreach (Process process in processes)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                process.Dispose();
            }
        }
        mount.Unmount();
        image.AssertClean();
    }

    private static long Done(TemporaryDirectory counts) =>
        Directory.EnumerateFiles(counts.Path).Sum(static file => new FileInfo(file).Length);

    private static Process Start(int user, string script)
    {
        string id = user.ToString(CultureInfo.InvariantCulture);
        return Process.Start("setpriv", [$"--reuid={id}", $"--regid={id}", "--clear-groups", "sh", "-c", script]);
    }
}
