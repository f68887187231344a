using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Server.Identity;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.Options;

/// <summary>The flags every file system knows, and what FUSE adds.</summary>
internal sealed partial class OptionParser
{
    private bool TakeGeneric(string word)
    {
        if (_options.Mount.TryApply(word, out MountOptions changed))
        {
            _options = _options with { Mount = changed };
            return true;
        }
        IsRemount |= word == "remount";
        // i_version is always kept; silent and loud are about the kernel's log.
        return word is "remount" or "iversion" or "noiversion" or "i_version" or "silent" or "loud" or "nomand";
    }

    private bool TakeFuse(string name, string? value)
    {
        switch (name)
        {
            case "fsname": _options = _options with { ShownName = Text(name, value) }; return true;
            case "no_default_opts" when value is null: _options = _options with { PlainType = true }; return true;
            case "threads": _options = _options with { Threads = (int)Number(name, value, 1, 256) }; return true;
            case "io_uring" when value is null: _options = _options with { OverIoUring = true }; return true;
            case "fuseblk": _options = _options with { FuseBlock = FuseBlock(value) }; return true;
            case "uidmap": _options = _options with { UserMap = Map(name, value) }; return true;
            case "gidmap": _options = _options with { GroupMap = Map(name, value) }; return true;
            case "squash_to_root" when value is null: _options = _options with { SquashToRoot = true }; return true;
            case "iomap": _options = _options with { Iomap = Iomap(value) }; return true;
            case "idmap" when value is null: _options = _options with { AllowIdMapping = true }; return true;
            case "metrics": _options = _options with { MetricsFile = Path.GetFullPath(Text(name, value)) }; return true;
            case "metrics_interval":
                _options = _options with { MetricsSeconds = (int)Number(name, value, 1, 86400) };
                return true;
            case "sandbox": _options = _options with { Sandbox = Sandbox(value) }; return true;
            case "debug" when value is null: IsDebug = true; return true;
            case "fuse4fs_debug" when value is null: IsVerbose = true; return true;
            default: return false;
        }
    }

    private static IdMap Map(string name, string? value) => IdMap.TryParse(Text(name, value), out IdMap? map)
        ? map!
        : throw new UsageException($"mount option '{name}={value}': IMAGE:SHOWN:COUNT is expected, repeated with a colon "
            + "between, without overlaps");

    /// <summary>0, 1 and default are the C program's words.</summary>
    private static IomapChoice Iomap(string? value) => value switch
    {
        null or "on" or "1" => IomapChoice.On,
        "off" or "0" => IomapChoice.Off,
        "auto" or "default" => IomapChoice.Automatic,
        _ => throw new UsageException($"mount option 'iomap={value}': auto, on or off is expected"),
    };

    private static SandboxMode Sandbox(string? value) => value switch
    {
        "default" => SandboxMode.Default,
        "strict" => SandboxMode.Strict,
        "off" => SandboxMode.Off,
        _ => throw new UsageException($"mount option 'sandbox={value}': default, strict or off is expected"),
    };

    private static FuseBlockChoice FuseBlock(string? value) => value switch
    {
        null or "on" => FuseBlockChoice.On,
        "off" => FuseBlockChoice.Off,
        "auto" => FuseBlockChoice.Automatic,
        _ => throw new UsageException($"mount option 'fuseblk={value}': auto, on or off is expected"),
    };
}
