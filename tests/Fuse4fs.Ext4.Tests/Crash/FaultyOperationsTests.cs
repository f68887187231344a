using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Every kind of operation on a device that fails: documented errors, the volume still answers, and after the
/// next mount what was synced is there and nothing is damaged. What a failed flush would have covered may be lost.
/// </summary>
public sealed class FaultyOperationsTests
{
    private const int Operations = 120;

    private static readonly string[] s_features =
        ["ea_inode,inline_data", "casefold", "^extent,^64bit", "bigalloc -C 4096", "quota,ea_inode"];

    [Theory]
    [InlineData(Failing.Reads, false)]
    [InlineData(Failing.Reads, true)]
    [InlineData(Failing.Writes, false)]
    [InlineData(Failing.Writes, true)]
    [InlineData(Failing.Flushes, false)]
    [InlineData(Failing.Flushes, true)]
    public void A_failing_device_damages_nothing(Failing what, bool isForEver)
    {
        foreach (string features in s_features)
        {
            using var sweep = new CrashSweep($"-t ext4 -b 1024 -N 256 -J size=1 -O {features}", 8L << 20);
            int range = what switch { Failing.Reads => 60, Failing.Writes => 400, _ => 60 };
            for (int round = 0; round < 2 * TestScale.Factor; round++)
            {
                int seed = Random.Shared.Next();
                var random = new Random(seed);
                string? wrong = Run(sweep, what, random.Next(1, range), isForEver, random);
                Assert.True(wrong is null, $"{features}, {what}, for ever: {isForEver}, seed {seed}: {wrong}");
            }
        }
    }

    private static string? Run(CrashSweep sweep, Failing what, int nth, bool isForEver, Random random)
    {
        RecordingDevice recording = sweep.NewDevice();
        var device = new FaultyDevice(recording);
        var work = default(CrashWorkload);
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            volume.SyncAll();
            recording.Restart();
            work = new CrashWorkload(volume, recording, random.Next())
            {
                Observing = isObserved => FaultyDevice.IsSuspended = isObserved,
            };
            work.AlsoAllowed.UnionWith([Errno.InputOutput, Errno.ReadOnly]);
            FaultyDevice.IsSuspended = false;
            device.Fail(what, nth, isForEver);
            work.Run(Operations);
            FaultyDevice.IsSuspended = true;
            // It still answers: everything can be read, and changes are refused or work.
            SeenTree.Capture(volume);
            Errno error = CreateLast(volume, work.Record);
            Assert.True(error is Errno.Ok or Errno.Exists or Errno.ReadOnly or Errno.NoSpace, $"{error}");
            FaultyDevice.IsSuspended = false;
            device.Heal();
            int steps = recording.StepCount;
            return sweep.JudgeAfterFailure(recording.AfterPowerCut(steps, random), steps, work.Record.Check);
        }
    }

    private static Errno CreateLast(Volume volume, CrashRecord record)
    {
        record.Begin();
        Errno error = volume.Create(
            InodeNumber.Root, "last"u8, 0x1A4, new Caller(0, 0), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            record.NoteNew(in made);
            record.End();
        }
        return error;
    }
}
