namespace Fuse4fs.Options;

/// <summary>The words of -o lists worth offering to somebody who types: those with an effect. One with a value ends in
/// an equals sign.</summary>
internal static class MountWords
{
    public static readonly IReadOnlyList<string> All =
    [
        "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync", "nodirsync", "symfollow",
        "nosymfollow", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime",
        "nostrictatime", "lazytime", "nolazytime", "remount",
        "allow_other", "default_permissions", "kernel", "fakeroot", "uidmap=", "gidmap=", "squash_to_root", "idmap",
        "acl", "noacl", "grpid", "nogrpid", "bsdgroups", "sysvgroups", "resuid=", "resgid=",
        "usrquota", "grpquota", "prjquota", "quota", "noquota",
        "offset=", "sb=", "noload", "norecovery", "journal_path=", "errors=continue", "errors=remount-ro", "errors=panic",
        "data=ordered", "data=writeback", "data=journal", "data_err=abort", "data_err=ignore",
        "commit=", "flush_interval=",
        "discard", "nodiscard", "stripe=", "minixdf", "bsddf",
        "stripe_width=", "stripe_member=",
        "fsname=", "subtype=", "no_default_opts", "max_read=", "fuseblk=auto", "fuseblk=on", "fuseblk=off", "blksize=",
        "io_uring", "cache_size=", "threads=", "lockfile=", "oom_score_adj=", "timing", "metrics=",
        "metrics_interval=", "sandbox=default", "sandbox=strict", "sandbox=off", "debug", "fuse4fs_debug",
    ];

    /// <summary>What a list that is being typed can become: the words that continue its last one.</summary>
    public static IEnumerable<string> Complete(string list)
    {
        int start = list.LastIndexOf(',') + 1;
        string last = list[start..];
        return All.Where(word => word.StartsWith(last, StringComparison.Ordinal)).Select(word => list[..start] + word);
    }
}
