using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>A point in time: seconds since 1970, possibly negative, and nanoseconds within the second.</summary>
public readonly record struct Timestamp(long Seconds, uint Nanoseconds) : IComparable<Timestamp>
{
    private const uint EpochMask = 3;
    private const int EpochBits = 2;
    private const uint CoarseStep = 4_000_000;
    private const uint NanosecondsPerSecond = 1_000_000_000;

    /// <summary>EXT4_TIMESTAMP_MIN: December 1901.</summary>
    public const long MinimumSeconds = int.MinValue;

    /// <summary>EXT4_EXTRA_TIMESTAMP_MAX: May 2446, for inodes with the extra fields.</summary>
    public const long MaximumSeconds = int.MinValue + (1L << 34) - 1;

    /// <summary>EXT4_NON_EXTRA_TIMESTAMP_MAX: January 2038, for inodes of 128 bytes.</summary>
    public const long MaximumSecondsShort = int.MaxValue;

    /// <summary>Decodes a time with its extra field: two bits of epoch, thirty of nanoseconds. Docs: ext4/inodes,
    /// "Inode Timestamps".</summary>
    public static Timestamp Decode(uint seconds, uint extra)
    {
        uint nanoseconds = extra >> EpochBits;
        return new Timestamp(unchecked((int)seconds) + ((long)(extra & EpochMask) << 32),
            nanoseconds < NanosecondsPerSecond ? nanoseconds : NanosecondsPerSecond - 1);
    }

    /// <summary>Decodes a time without an extra field.</summary>
    public static Timestamp Decode(uint seconds) => new(unchecked((int)seconds), 0);

    /// <summary>The 32-bit field. The time must be in range: see <see cref="Clamp"/>.</summary>
    public uint EncodeSeconds() => unchecked((uint)Seconds);

    /// <summary>The extra field: the bits that a signed 32-bit number of seconds lacks, and the nanoseconds.</summary>
    public uint EncodeExtra()
    {
        long beyond = Seconds - unchecked((int)Seconds);
        return ((uint)(beyond >> 32) & EpochMask) | (Nanoseconds << EpochBits);
    }

    /// <summary>The nearest time that an inode can hold.</summary>
    /// <param name="hasExtra">The inode has the extra fields.</param>
    public Timestamp Clamp(bool hasExtra)
    {
        long maximum = hasExtra ? MaximumSeconds : MaximumSecondsShort;
        if (Seconds < MinimumSeconds)
        {
            return new Timestamp(MinimumSeconds, 0);
        }
        if (Seconds > maximum)
        {
            return new Timestamp(maximum, 0);
        }
        return hasExtra ? this : this with { Nanoseconds = 0 };
    }

    /// <summary>A clock's present time.</summary>
    public static Timestamp Now(TimeProvider clock)
    {
        long ticks = clock.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks;
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }
        return new Timestamp(seconds, (uint)(rest * 100));
    }

    /// <summary>A clock's present time in steps like those in which the kernel's file times advance: changes that follow
    /// each other closely then need not store the inode each time.</summary>
    private static Timestamp OfChange(TimeProvider clock)
    {
        if (clock is FileClock)
        {
            (long seconds, uint nanoseconds) = LibC.FileTime();
            return new Timestamp(seconds, nanoseconds);
        }
        Timestamp now = Now(clock);
        return now with { Nanoseconds = now.Nanoseconds - (now.Nanoseconds % CoarseStep) };
    }

    /// <summary>A volume's present time, in steps that its inodes can hold: whole seconds where they have no extra
    /// fields. Kernel: s_time_gran.</summary>
    public static Timestamp OfChange(VolumeContext context)
    {
        Timestamp now = OfChange(context.Clock);
        return context.Geometry.InodeSizeBytes > InodeRecord.SizeBytes ? now : now with { Nanoseconds = 0 };
    }

    /// <inheritdoc/>
    public int CompareTo(Timestamp other)
    {
        int order = Seconds.CompareTo(other.Seconds);
        return order != 0 ? order : Nanoseconds.CompareTo(other.Nanoseconds);
    }

    public static bool operator <(Timestamp left, Timestamp right) => left.CompareTo(right) < 0;

    public static bool operator >(Timestamp left, Timestamp right) => left.CompareTo(right) > 0;

    public static bool operator <=(Timestamp left, Timestamp right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Timestamp left, Timestamp right) => left.CompareTo(right) >= 0;
}
