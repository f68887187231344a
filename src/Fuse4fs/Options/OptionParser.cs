using System.Globalization;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Options;

/// <summary>Turns the words of -o lists into <see cref="ServeOptions"/>. Three families: the kernel's generic mount
/// flags, FUSE's words, ext4's words. Words that only mount(8) cares about are dropped; the rest is refused by name.
/// </summary>
internal sealed partial class OptionParser
{
    private ServeOptions _options;

    private OptionParser(MountRequest request) => _options = new ServeOptions
    {
        Source = request.Source,
        MountPoint = request.MountPoint,
        Threads = request.SingleThread ? 1 : 0,
    };

    /// <summary>True after the word remount: the mount exists, only its flags change.</summary>
    public bool IsRemount { get; private set; }

    /// <summary>True after debug: log every request and stay in the foreground.</summary>
    public bool IsDebug { get; private set; }

    /// <summary>True after fuse4fs_debug: log what the server does.</summary>
    public bool IsVerbose { get; private set; }

    /// <summary>The result.</summary>
    public ServeOptions Options => _options;

    /// <summary>Parses all words of a request.</summary>
    /// <exception cref="UsageException">A word is unknown or its value is malformed.</exception>
    public static OptionParser Parse(MountRequest request)
    {
        var parser = new OptionParser(request);
        if (request.Words.Contains("kernel"))
        {
            // What the word implies comes before everything else, so that the caller's nosuid and nodev win.
            parser.TakeAll(["allow_other", "suid", "dev", "acl"]);
        }
        parser.TakeAll(request.Words);
        parser.Check();
        return parser;
    }

    private void TakeAll(IEnumerable<string> words)
    {
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word : word[..equals];
            string? value = equals < 0 ? null : word[(equals + 1)..];
            if (!TakeFuse(name, value) && !TakeGeneric(word) && !TakeExt4(name, value) && !IsNoise(name))
            {
                throw new UsageException($"unknown mount option '{word}'");
            }
        }
    }

    /// <summary>Where permissions are not checked, or owners not shown, nothing on the image may give rights on this machine.
    /// Access lists name owners that squash_to_root hides. An id-mapped mount needs the kernel's checks.</summary>
    private void Check()
    {
        if (!StripeLayout.IsWidth(_options.StripeWidthBytes))
        {
            throw new UsageException("mount option 'stripe_width': a power of two of at least 4K is expected");
        }
        if (_options.StripeMembers.Count > 0 && _options.OffsetBytes != 0)
        {
            throw new UsageException("mount options 'stripe_member' and 'offset' exclude each other");
        }
        if (_options.StripeMembers.Count >= StripeLayout.MostMembers)
        {
            throw new UsageException($"a striped set has at most {StripeLayout.MostMembers} members");
        }
        if (_options.AllowIdMapping)
        {
            if (_options.FakeRoot)
            {
                throw new UsageException("mount options 'idmap' and 'fakeroot' exclude each other");
            }
            _options = _options with { Mount = _options.Mount with { DefaultPermissions = true } };
        }
        if (_options.SquashToRoot)
        {
            if (_options.UserMap is not null || _options.GroupMap is not null)
            {
                throw new UsageException("mount options 'squash_to_root' and 'uidmap' or 'gidmap' exclude each other");
            }
            _options = _options with
            {
                AccessControlLists = false,
                Mount = _options.Mount with
                {
                    // A program of anybody's with the set-user-id bit would be shown as root's.
                    Flags = _options.Mount.Flags | MountFlags.NoSetId | MountFlags.NoDevices,
                },
            };
        }
        if (_options.FakeRoot)
        {
            TakeFakeRoot();
        }
    }

    /// <summary>Everything is permitted to who mounts, and to nobody else. Where the kernel lets nobody else in, it need not
    /// check. Where it does (allow_other), it checks; that stops everybody but root, so he alone can have both.</summary>
    private void TakeFakeRoot()
    {
        bool isShared = _options.Mount.AllowOther;
        if (isShared && LibC.GetEffectiveUid() != 0)
        {
            throw new UsageException("mount options 'fakeroot' and 'allow_other' together are for root: "
                + "who is let in has to be checked, and so would you be");
        }
        _options = _options with
        {
            AccessControlLists = _options.AccessControlLists && isShared,
            Mount = _options.Mount with
            {
                DefaultPermissions = isShared,
                Flags = _options.Mount.Flags | MountFlags.NoSetId | MountFlags.NoDevices,
            },
        };
    }

    /// <summary>Words for mount(8) and its configuration file, not for a file system.</summary>
    private static bool IsNoise(string name) => name switch
    {
        "defaults" or "auto" or "noauto" or "user" or "nouser" or "users" or "owner" or "group" or "nofail" or "_netdev"
            or "comment" or "nonempty" or "uhelper" or "helper" => true,
        _ => name.StartsWith("x-", StringComparison.Ordinal) || name.StartsWith("X-", StringComparison.Ordinal),
    };

    private static string Text(string name, string? value) => string.IsNullOrEmpty(value)
        ? throw new UsageException($"mount option '{name}' needs a value")
        : value;

    private static long Number(string name, string? value, long minimum, long maximum)
    {
        string text = Text(name, value);
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            || number < minimum || number > maximum)
        {
            throw new UsageException($"mount option '{name}={text}': a number from {minimum} to {maximum} is expected");
        }
        return number;
    }

    /// <summary>A size with an optional k, m or g.</summary>
    private static long Size(string name, string? value, long minimum, long maximum)
    {
        string text = Text(name, value);
        int shift = char.ToLowerInvariant(text[^1]) switch { 'k' => 10, 'm' => 20, 'g' => 30, _ => 0 };
        string digits = shift == 0 ? text : text[..^1];
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || number > maximum >> shift || number << shift < minimum)
        {
            throw new UsageException(
                $"mount option '{name}={text}': a size from {minimum} to {maximum} bytes is expected (k, m, g may follow)");
        }
        return number << shift;
    }
}
