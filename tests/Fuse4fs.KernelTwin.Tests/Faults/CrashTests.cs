using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Faults;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Conformance;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Faults;

/// <summary>Everything stops at any message; callers die, devices fail, many work at once, in random order.</summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(CrashMoment.BeforeRequest)]
    [InlineData(CrashMoment.BeforeReply)]
    public void What_was_synced_survives_a_crash_at_any_message(CrashMoment moment)
    {
        long messages;
        using (var whole = new Mounted())
        {
            Work(whole, 0, 0);
            messages = whole.Kernel.Messages;
        }
        for (long message = 1; message <= messages; message++)
        {
            var storage = new RecordingStorage(new MemoryStorage(16 << 20));
            using var crashed = new Mounted(storage: storage, mounts: false);
            crashed.Kernel.Faults.CrashAtMessage = message;
            crashed.Kernel.Faults.CrashMoment = moment;
            int synced = 0;
            try
            {
                Assert.Equal(Errno.Ok, crashed.Kernel.Mount());
                synced = Work(crashed, 0, 0);
                Assert.Fail($"no crash at message {message}");
            }
            catch (TwinCrashException crash)
            {
                Assert.Equal(message, crash.AtMessage);
                synced = Progress(crashed);
            }
            RefServer.ForgetEverything(crashed.Volume);
            using var again = new Mounted(volume: crashed.Volume);
            for (int index = 0; index < synced; index++)
            {
                long fd = again.User.Open($"/f{index}", OpenFlags.ReadOnly);
                byte[] back = new byte[6000];
                Assert.Equal(6000, again.User.Pread(fd, back, 0));
                Assert.Equal(Mounted.Bytes(6000, index), back);
            }
        }
    }

    [Fact]
    public void A_power_cut_leaves_any_subset_of_what_was_not_flushed()
    {
        var storage = new RecordingStorage(new MemoryStorage(new byte[8192]));
        byte[] ones = [.. Enumerable.Repeat((byte)1, 1024)];
        storage.Write(0, ones);
        storage.Flush();
        storage.Write(0, [.. Enumerable.Repeat((byte)2, 1024)]);
        var random = new Random(1);
        var seen = new HashSet<(byte, byte)>();
        for (int tries = 0; tries < 50; tries++)
        {
            byte[] image = storage.AfterPowerCut(storage.Events, random);
            seen.Add((image[0], image[512]));
        }
        Assert.Equal(4, seen.Count);
        Assert.All(seen, pair => Assert.True(pair is ( >= 1, >= 1)));
    }

    [Fact]
    public void Many_callers_at_once()
    {
        for (int round = 0; round < 20; round++)
        {
            int seed = Seeds.Next();
            RefPolicy policy = RefPolicy.Recorded with { Delays = round % 2 == 0, Upserts = round % 3 == 0 };
            using var mounted = new Mounted(policy, TwinOptions.V8 with { Seed = seed });
            var fds = new long[4];
            var contents = new byte[4][];
            for (int index = 0; index < fds.Length; index++)
            {
                fds[index] = mounted.Create($"/f{index}");
                contents[index] = Mounted.Bytes(40_000, seed + index);
            }
            mounted.Kernel.RunTogether([.. Enumerable.Range(0, fds.Length).SelectMany(index =>
                new Func<Task>[]
                {
                    async () => Assert.Equal(30_000, await mounted.User.Process.Pwrite((int)fds[index],
                        contents[index].AsMemory(0, 30_000), 0)),
                    async () => Assert.Equal(10_000, await mounted.User.Process.Pwrite((int)fds[index],
                        contents[index].AsMemory(30_000), 30_000)),
                    async () => Assert.Equal(0, await mounted.User.Process.Fsync((int)fds[index])),
                    async () => Assert.True(await mounted.User.Process.Pread((int)fds[index], new byte[100], 0) >= 0),
                })]);
            for (int index = 0; index < fds.Length; index++)
            {
                Assert.Equal(0, mounted.User.Fsync(fds[index]));
                mounted.User.DropCache(fds[index]);
                byte[] back = new byte[40_000];
                Assert.Equal(40_000, mounted.User.Pread(fds[index], back, 0));
                Assert.True(contents[index].AsSpan().SequenceEqual(back), $"seed {seed}, file {index}");
            }
        }
    }

    [Fact]
    public void Replies_can_be_held_back()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Kernel.Faults.HoldReply = entry => entry.Request.StartsWith("B(W)", StringComparison.Ordinal);
        Task<long> write = mounted.Kernel.Scheduler.Run(() =>
            Task.FromResult(mounted.User.Process.Pwrite((int)fd, Mounted.Bytes(100), 0)));
        mounted.Kernel.Settle();
        Assert.False(write.IsCompleted);
        mounted.Kernel.ReleaseReplies();
        mounted.Kernel.Settle();
        Assert.True(write.IsCompleted);
    }

    [Fact]
    public void The_same_seed_gives_the_same_messages()
    {
        string[] Run()
        {
            using var mounted = new Mounted(RefPolicy.Recorded with { Delays = true }, TwinOptions.V8 with { Seed = 4711 });
            Work(mounted, 0, 0);
            return mounted.Lines();
        }
        Assert.Equal(Run(), Run());
    }

    /// <summary>Writes and syncs three files.</summary>
    /// <returns>How many are safe.</returns>
    private static int Work(Mounted mounted, int from, int safe)
    {
        for (int index = from; index < 3; index++)
        {
            long fd = mounted.User.Open($"/f{index}", OpenFlags.ReadWrite | OpenFlags.Create);
            Assert.Equal(6000, mounted.User.Pwrite(fd, Mounted.Bytes(6000, index), 0));
            Assert.Equal(0, mounted.User.Fsync(fd));
            safe++;
            Assert.Equal(0, mounted.User.Close(fd));
            mounted.Kernel.Settle();
        }
        return safe;
    }

    /// <summary>How many FSYNCs were answered before the crash.</summary>
    private static int Progress(Mounted mounted)
    {
        string[] lines = [.. mounted.Kernel.Trace.Entries.Select(entry => entry.ToString())];
        int answered = lines.Count(line => line == "FSYNC 0");
        return lines.Length > 0 && lines[^1] == "FSYNC 0" ? answered - 1 : answered;
    }
}
