using System.Text;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Multiple mount protection: before anything is written, waits until it is certain that nobody else uses the
/// volume, then shows by a number that changes all the time that we do.</summary>
/// <remarks>Docs: ext4/mmp. Kernel: ext4_multi_mount_protect, kmmpd.</remarks>
internal sealed class MultipleMountGuard : IDisposable
{
    private const int SmallestCheckSeconds = 5;
    private const int LargestExtraSeconds = 60;
    private const int LargestCheckSeconds = 300;
    private const int CheckFactor = 2;

    private readonly IBlockDevice _device;
    private readonly Geometry _geometry;
    private readonly Checksums _checksums;
    private readonly IEngineEvents _events;
    private readonly TimeProvider _clock;
    private readonly long _offset;
    private readonly byte[] _block;
    private readonly TimeSpan _interval;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private volatile bool _isLost;

    /// <summary>Held while the block is looked at and renewed.</summary>
    private readonly Lock _turn = new();
    private bool _isPaused;
    private uint _current;
    private volatile Action<string>? _lost;

    private MultipleMountGuard(
        IBlockDevice device, Geometry geometry, in Superblock super, IEngineEvents events, TimeProvider clock)
    {
        _device = device;
        _geometry = geometry;
        _checksums = new Checksums(geometry);
        _events = events;
        _clock = clock;
        ulong number = super.MmpBlock;
        if (number < geometry.FirstDataBlock || number >= geometry.BlockCount)
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Damaged, $"the multiple mount protection block is at {number}, outside the volume");
        }
        _offset = (long)(number << geometry.BlockSizeShift);
        _block = new byte[geometry.BlockSizeBytes];
        // tune2fs takes nothing longer either; an image must not make its mount wait for hours.
        _interval = TimeSpan.FromSeconds(
            super.MmpInterval == 0 ? SmallestCheckSeconds : Math.Min((int)super.MmpInterval, LargestCheckSeconds));
        _thread = new Thread(Run) { IsBackground = true, Name = "fuse4fs-mmp" };
    }

    private ref MmpBlock Fields => ref Disk.At<MmpBlock>(_block.AsSpan(), 0);

    /// <summary>Claims the volume. Takes up to some minutes when it was not unmounted in order.</summary>
    /// <param name="device">The volume's, before anything was written to it.</param>
    /// <param name="geometry">Of the volume.</param>
    /// <param name="super">The superblock.</param>
    /// <param name="events">Told of long waits, and of the loss of the volume.</param>
    /// <param name="clock">For the time shown to people.</param>
    /// <exception cref="VolumeRefusedException">Somebody else uses the volume, or the block is damaged.</exception>
    public static MultipleMountGuard Claim(
        IBlockDevice device, Geometry geometry, in Superblock super, IEngineEvents events, TimeProvider clock)
    {
        var guard = new MultipleMountGuard(device, geometry, in super, events, clock);
        guard.WaitForOthers();
        guard._current = guard.Fields.Sequence;
        guard._thread.Start();
        return guard;
    }

    /// <summary>Names who is told when somebody else is found to use the volume.</summary>
    public void WhenLost(Action<string> lost)
    {
        _lost = lost;
        if (_isLost)
        {
            lost("the volume is in use elsewhere");
        }
    }

    /// <summary>From its return on nothing is written, until <see cref="Resume"/>. Kernel: kmmpd stands still on a frozen
    /// file system, too.</summary>
    public void Pause()
    {
        lock (_turn)
        {
            _isPaused = true;
        }
    }

    /// <summary>Looks whether somebody else has claimed the volume: who was told then knows on return.</summary>
    public void Check()
    {
        lock (_turn)
        {
            if (!_isLost)
            {
                Renew(isWriting: false);
            }
        }
    }

    /// <summary>Goes on.</summary>
    public void Resume()
    {
        lock (_turn)
        {
            _isPaused = false;
        }
    }

    /// <summary>Gives the volume up, after the last write to it. A lost one is left alone.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        if (!_isLost)
        {
            try
            {
                Write(MmpBlock.Clean);
            }
            catch (DeviceException failure)
            {
                _events.DeviceFailed(failure);
            }
        }
        _stop.Dispose();
    }

    private void WaitForOthers()
    {
        Read();
        uint found = Fields.Sequence;
        if (found == MmpBlock.BeingChecked)
        {
            throw InUse("e2fsck is running on the volume");
        }
        int check = Math.Clamp(
            Math.Max((int)_interval.TotalSeconds, Fields.CheckSeconds), SmallestCheckSeconds, LargestCheckSeconds);
        TimeSpan wait = found == MmpBlock.Clean
            ? TimeSpan.Zero
            : TimeSpan.FromSeconds(Math.Min((check * CheckFactor) + 1, check + LargestExtraSeconds));
        if (wait > TimeSpan.Zero)
        {
            _events.Warning($"the volume may be in use elsewhere: waiting {2 * wait.TotalSeconds} seconds to see");
            Wait(wait, found);
        }
        uint own = (uint)Random.Shared.NextInt64(1, MmpBlock.MaximumSequence + 1L);
        Fields.CheckSeconds = (ushort)Math.Min(LargestCheckSeconds,
            Math.Max(SmallestCheckSeconds, CheckFactor * (int)_interval.TotalSeconds));
        SetName(Fields.NodeName, Environment.MachineName);
        SetName(Fields.DeviceName, "fuse4fs");
        Write(own);
        // Another one that found the volume free at the same moment wrote a number of its own.
        Wait(wait, own);
    }

    private void Wait(TimeSpan time, uint expected)
    {
        _stop.Wait(time);
        byte[] mine = (byte[])_block.Clone();
        Read();
        if (Fields.Sequence != expected)
        {
            throw InUse("the volume is in use elsewhere");
        }
        mine.CopyTo(_block, 0);
    }

    private void Run()
    {
        while (!_stop.Wait(_interval))
        {
            lock (_turn)
            {
                if (_isLost)
                {
                    return;
                }
                if (!_isPaused)
                {
                    Renew(isWriting: true);
                }
            }
        }
    }

    /// <summary>Looks whether the number is still ours, and changes it.</summary>
    private void Renew(bool isWriting)
    {
        try
        {
            byte[] mine = (byte[])_block.Clone();
            Read();
            if (Fields.Sequence != _current || !((ReadOnlySpan<byte>)Fields.NodeName).SequenceEqual(
                Disk.At<MmpBlock>(mine, 0).NodeName))
            {
                Lose("somebody else changed the multiple mount protection block: the volume is mounted twice");
            }
            else if (isWriting)
            {
                _current = _current >= MmpBlock.MaximumSequence ? 1 : _current + 1;
                Write(_current);
            }
        }
        catch (DeviceException failure)
        {
            // Nobody can tell any more that the volume is in use: as bad as having lost it.
            _events.DeviceFailed(failure);
            Lose("the multiple mount protection block cannot be renewed");
        }
        catch (VolumeRefusedException damage)
        {
            Lose(damage.Message);
        }
    }

    private void Lose(string why)
    {
        _isLost = true;
        _events.Warning(why);
        _lost?.Invoke(why);
    }

    private void Read()
    {
        _device.Forget(_offset, _block.Length);
        _device.Read(_offset, _block);
        if (Fields.Magic != MmpBlock.ExpectedMagic
            || (_checksums.IsEnabled && Disk.At<Le32>(_block, MmpBlock.ChecksumOffset) != _checksums.OfMmpBlock(_block)))
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Damaged, "the multiple mount protection block is damaged: run e2fsck");
        }
    }

    private void Write(uint sequence)
    {
        Fields.Sequence = sequence;
        Fields.Time = (ulong)Math.Max(0, _clock.GetUtcNow().ToUnixTimeSeconds());
        if (_checksums.IsEnabled)
        {
            Disk.At<Le32>(_block.AsSpan(), MmpBlock.ChecksumOffset) = _checksums.OfMmpBlock(_block);
        }
        _device.Write(_offset, _block);
        _device.Flush();
    }

    private VolumeRefusedException InUse(string why) => new(VolumeRefusal.InUse,
        $"{why}: last seen {DateTimeOffset.FromUnixTimeSeconds(SecondsShown())}, by {NameShown()}");

    private long SecondsShown() => (long)Math.Min(Fields.Time, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds());

    private string NameShown()
    {
        ReadOnlySpan<byte> name = Fields.NodeName;
        int end = name.IndexOf((byte)0);
        return string.Concat(Encoding.ASCII.GetString(end < 0 ? name : name[..end]).Where(char.IsAsciiLetterOrDigit));
    }

    private static void SetName(Span<byte> field, string name)
    {
        field.Clear();
        string known = string.Concat(name.Where(char.IsAscii));
        Encoding.ASCII.GetBytes(known.Length < field.Length ? known : known[..(field.Length - 1)], field);
    }
}
