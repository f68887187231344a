using System.Numerics;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>Validates the answer to CONFIG. Section 4.</summary>
internal static class ConfigReply
{
    private const uint SmallestCache = 256;
    private const uint LargestCache = 2 << 20;
    private const int LargestBlock = 65536;

    public static MountConfig? Apply(in SessionWire.ConfigOut reply, RuleKeeper rules)
    {
        string? fault = Fault(reply);
        if (fault is not null)
        {
            rules.Report(RuleBook.ConfigReply, fault);
            return null;
        }
        var flags = (ConfigFlags)reply.Flags;
        var config = new MountConfig();
        if (flags.HasFlag(ConfigFlags.BlockSize))
        {
            config = config with { BlockSize = (int)reply.BlockSize };
        }
        if (flags.HasFlag(ConfigFlags.MaxBytes))
        {
            config = config with { MaxBytes = reply.MaxBytes };
        }
        if (flags.HasFlag(ConfigFlags.CacheMaxBytes) && reply.CacheMaxBytes != 0)
        {
            config = config with { CacheMaxBytes = Math.Clamp(reply.CacheMaxBytes, SmallestCache, LargestCache) };
        }
        return config;
    }

    private static string? Fault(in SessionWire.ConfigOut reply)
    {
        var flags = (ConfigFlags)reply.Flags;
        if ((flags & ~ConfigFlags.All) != 0)
        {
            return $"flags {reply.Flags:x}";
        }
        if (reply.UuidLength > 16 || reply.Padding[0] != 0 || reply.Padding[1] != 0 || reply.Padding[2] != 0)
        {
            return "uuid length or padding";
        }
        if (flags.HasFlag(ConfigFlags.BlockSize)
            && (!BitOperations.IsPow2(reply.BlockSize) || reply.BlockSize is < 512 or > LargestBlock))
        {
            return $"block size {reply.BlockSize}";
        }
        if (flags.HasFlag(ConfigFlags.Time) && (reply.TimeGranularity is < 1 or > 1_000_000_000))
        {
            return $"time granularity {reply.TimeGranularity}";
        }
        return flags.HasFlag(ConfigFlags.MaxBytes) && reply.MaxBytes < 0 ? $"largest file {reply.MaxBytes}" : null;
    }
}
