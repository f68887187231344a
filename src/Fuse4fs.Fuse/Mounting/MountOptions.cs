using System.Globalization;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting;

/// <summary>What to mount and how. Set-id bits and devices are off unless asked for, as FUSE programs do.</summary>
public sealed record MountOptions
{
    private static readonly (string Word, MountFlags Set, MountFlags Clear)[] _flagWords =
    [
        ("ro", MountFlags.ReadOnly, 0),
        ("rw", 0, MountFlags.ReadOnly),
        ("nosuid", MountFlags.NoSetId, 0),
        ("suid", 0, MountFlags.NoSetId),
        ("nodev", MountFlags.NoDevices, 0),
        ("dev", 0, MountFlags.NoDevices),
        ("noexec", MountFlags.NoExecute, 0),
        ("exec", 0, MountFlags.NoExecute),
        ("sync", MountFlags.Synchronous, 0),
        ("async", 0, MountFlags.Synchronous),
        ("dirsync", MountFlags.DirectorySync, 0),
        ("nodirsync", 0, MountFlags.DirectorySync),
        ("nosymfollow", MountFlags.NoSymlinkFollow, 0),
        ("symfollow", 0, MountFlags.NoSymlinkFollow),
        ("noatime", MountFlags.NoAccessTime, MountFlags.RelativeAccessTime | MountFlags.StrictAccessTime),
        ("atime", 0, MountFlags.NoAccessTime),
        ("nodiratime", MountFlags.NoDirectoryAccessTime, 0),
        ("diratime", 0, MountFlags.NoDirectoryAccessTime),
        ("relatime", MountFlags.RelativeAccessTime, MountFlags.NoAccessTime | MountFlags.StrictAccessTime),
        ("norelatime", 0, MountFlags.RelativeAccessTime),
        ("strictatime", MountFlags.StrictAccessTime, MountFlags.NoAccessTime | MountFlags.RelativeAccessTime),
        ("nostrictatime", 0, MountFlags.StrictAccessTime),
        ("lazytime", MountFlags.LazyTime, 0),
        ("nolazytime", 0, MountFlags.LazyTime),
    ];

    /// <summary>fsname: what the mount table shows as source; for <see cref="FuseBlock"/> the device's path.</summary>
    public string Source { get; init; } = "fuse";

    /// <summary>What the table shows after "fuse." as the type; null for none.</summary>
    public string? Subtype { get; init; }

    /// <summary>Flags for every kind of file system.</summary>
    public MountFlags Flags { get; init; } = MountFlags.NoSetId | MountFlags.NoDevices;

    /// <summary>Other users than the one who mounts may enter; for ordinary users /etc/fuse.conf must permit it.</summary>
    public bool AllowOther { get; init; }

    /// <summary>The kernel checks permission bits and ACLs.</summary>
    public bool DefaultPermissions { get; init; }

    /// <summary>Most data of a READ, bytes; 0: no limit but max_pages.</summary>
    public uint MaxReadBytes { get; init; }

    /// <summary>Type fuseblk on a block device: the kernel claims the device, sync and umount wait for the server.
    /// Needs root.</summary>
    public bool FuseBlock { get; init; }

    /// <summary>blksize of fuseblk: 512 or a power of two up to the page size.</summary>
    public uint BlockSizeBytes { get; init; } = 512;

    /// <summary>Understands one word of a -o list as a mount option of every FUSE file system.</summary>
    /// <param name="word">Such as "ro" or "max_read=65536".</param>
    /// <param name="changed">These options with the word applied.</param>
    /// <returns>False for a word that is none of them, or has a wrong value.</returns>
    public bool TryApply(string word, out MountOptions changed)
    {
        foreach ((string name, MountFlags set, MountFlags clear) in _flagWords)
        {
            if (name == word)
            {
                changed = this with { Flags = (Flags & ~clear) | set };
                return true;
            }
        }
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string value = equals < 0 ? "" : word[(equals + 1)..];
        uint number = 0;
        MountOptions? applied = (equals < 0 ? word : word[..equals]) switch
        {
            "allow_other" when equals < 0 => this with { AllowOther = true },
            "default_permissions" when equals < 0 => this with { DefaultPermissions = true },
            "fsname" when value.Length > 0 => this with { Source = value },
            "subtype" when value.Length > 0 => this with { Subtype = value },
            "max_read" when TryNumber(value, out number) => this with { MaxReadBytes = number },
            "blksize" when TryNumber(value, out number) => this with { BlockSizeBytes = number },
            _ => null,
        };
        changed = applied ?? this;
        return applied is not null;
    }

    /// <summary>The type for mount(2).</summary>
    internal string Type => (FuseBlock ? "fuseblk" : "fuse") + (Subtype is null ? "" : "." + Subtype);

    /// <summary>The data string of mount(2): what the FUSE file system itself parses.</summary>
    /// <param name="descriptor">An open /dev/fuse; null to join a superblock that is there already, or fail.</param>
    /// <param name="rootMode">File type bits of the root.</param>
    /// <param name="uid">Who mounts.</param>
    /// <param name="gid">Who mounts.</param>
    internal string ToKernelData(int? descriptor, uint rootMode, uint uid, uint gid)
    {
        var data = new StringBuilder(descriptor is int number
            ? string.Create(CultureInfo.InvariantCulture, $"fd={number},") : "");
        data.Append(CultureInfo.InvariantCulture, $"rootmode={Convert.ToString(rootMode, 8)}");
        data.Append(CultureInfo.InvariantCulture, $",user_id={uid},group_id={gid}");
        AppendFuseWords(data);
        if (FuseBlock)
        {
            data.Append(CultureInfo.InvariantCulture, $",blksize={BlockSizeBytes}");
        }
        return data.ToString();
    }

    /// <summary>The -o list for fusermount3, which takes flags as words and names escaped.</summary>
    internal string ToHelperList()
    {
        var list = new StringBuilder(Flags.HasFlag(MountFlags.ReadOnly) ? "ro" : "rw");
        foreach ((string word, MountFlags set, _) in _flagWords)
        {
            if (set != 0 && set != MountFlags.ReadOnly && Flags.HasFlag(set))
            {
                list.Append(',').Append(word);
            }
        }
        AppendFuseWords(list);
        list.Append(",fsname=").Append(Escape(Source));
        if (Subtype is not null)
        {
            list.Append(",subtype=").Append(Escape(Subtype));
        }
        return list.ToString();
    }

    /// <summary>The words for a mount service's helper, which adds descriptor, root mode and ids.</summary>
    internal string ToServiceList()
    {
        var list = new StringBuilder();
        AppendFuseWords(list);
        return list.Length == 0 ? "" : list.ToString(1, list.Length - 1);
    }

    private void AppendFuseWords(StringBuilder list)
    {
        list.Append(AllowOther ? ",allow_other" : "");
        list.Append(DefaultPermissions ? ",default_permissions" : "");
        if (MaxReadBytes != 0)
        {
            list.Append(CultureInfo.InvariantCulture, $",max_read={MaxReadBytes}");
        }
    }

    private static string Escape(string name)
        => name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);

    private static bool TryNumber(string text, out uint number)
        => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
