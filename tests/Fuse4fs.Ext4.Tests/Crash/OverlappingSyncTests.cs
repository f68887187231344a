using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Threads whose syncs overlap, so that each finds commits and flushes of others under way: appends, which need
/// a commit, and overwrites in place, which need a flush that began behind them.</summary>
public sealed class OverlappingSyncTests
{
    private const int Threads = 6;
    private const int Rounds = 12;
    private const int RecordBytes = 8;

    [Theory]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1")]
    [InlineData("-t ext4 -b 4096 -N 256 -J size=4")]
    public void Everybody_finds_what_he_synced(string options)
    {
        using var sweep = new CrashSweep(options, 16L << 20);
        RecordingDevice device = sweep.NewDevice();
        var clients = new List<Client>();
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            for (int i = 0; i < Threads; i++)
            {
                clients.Add(new Client(volume, device, $"client{i}"));
            }
            volume.SyncAll();
            device.Restart();
            Thread[] threads = [.. clients.Select(client => new Thread(client.Run))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
        }
        int seed = Random.Shared.Next();
        string? wrong = sweep.Cut(device, new Random(seed), 20, (volume, cut) =>
            clients.Select(client => client.Check(volume, cut)).FirstOrDefault(problem => problem is not null));
        Assert.True(wrong is null, $"seed {seed}: {wrong}");
    }

    /// <summary>Half of its file grows record by record, the other half is one record that is overwritten.</summary>
    private sealed class Client
    {
        private readonly Volume _volume;
        private readonly RecordingDevice _device;
        private readonly string _name;
        private readonly InodeNumber _grown;
        private readonly InodeNumber _overwritten;
        private readonly List<(int Step, long Grown, long Overwritten)> _promised = [(0, 0, 0)];

        public Client(Volume volume, RecordingDevice device, string name)
        {
            (_volume, _device, _name) = (volume, device, name);
            _grown = Make(volume, name);
            _overwritten = Make(volume, name + "-overwritten");
            Write(_overwritten, 0, 0);
        }

        public void Run()
        {
            for (long round = 1; round <= Rounds; round++)
            {
                (_, long grown, long overwritten) = _promised[^1];
                if (round % 2 == 0)
                {
                    grown++;
                    Write(_grown, grown * RecordBytes, grown);
                    Assert.Equal(Errno.Ok, SyncWaiter.Sync(_volume, _grown, isDataOnly: round % 4 == 0));
                }
                else
                {
                    overwritten = round;
                    Write(_overwritten, 0, overwritten);
                    Assert.Equal(Errno.Ok, SyncWaiter.Sync(_volume, _overwritten, isDataOnly: round % 3 == 0));
                }
                _promised.Add((_device.StepCount, grown, overwritten));
            }
        }

        public string? Check(Volume recovered, int cut)
        {
            (_, long grown, long overwritten) = _promised.FindLast(entry => entry.Step <= cut);
            for (long record = 1; record <= grown; record++)
            {
                if (Read(recovered, _name, record * RecordBytes) != record)
                {
                    return $"{_name}: record {record} of {grown} is {Read(recovered, _name, record * RecordBytes)}";
                }
            }
            long found = Read(recovered, _name + "-overwritten", 0);
            return found >= overwritten && found <= Rounds ? null : $"{_name}: overwritten {found}, synced {overwritten}";
        }

        private static InodeNumber Make(Volume volume, string name)
        {
            Assert.Equal(Errno.Ok, volume.Create(
                InodeNumber.Root, CrashScript.Name(name), 0x1A4, new Caller(0, 0), out InodeAttributes made));
            return made.Number;
        }

        private void Write(InodeNumber file, long offset, long value)
        {
            byte[] bytes = new byte[RecordBytes];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            Assert.Equal(Errno.Ok, _volume.Write(file, offset, bytes, default, out _));
        }

        private static long Read(Volume volume, string name, long offset)
        {
            byte[] bytes = new byte[RecordBytes];
            Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, CrashScript.Name(name), out InodeNumber number));
            Assert.Equal(Errno.Ok, volume.Read(number, offset, bytes, out int count));
            return count == RecordBytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : -1;
        }
    }
}
