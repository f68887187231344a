using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Quota;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Options;

/// <summary>The words of ext4 and of this server.</summary>
internal sealed partial class OptionParser
{
    private bool TakeExt4(string name, string? value) =>
        value is null ? TakeExt4Switch(name) : TakeExt4Volume(name, value) || TakeExt4Tuning(name, value);

    private bool TakeExt4Switch(string name)
    {
        switch (name)
        {
            case "minixdf": _options = _options with { MinixStatistics = true }; return true;
            case "bsddf": _options = _options with { MinixStatistics = false }; return true;
            case "noload" or "norecovery": _options = _options with { LoadJournal = false }; return true;
            case "acl": _options = _options with { AccessControlLists = true }; return true;
            case "noacl": _options = _options with { AccessControlLists = false }; return true;
            case "kernel": _options = _options with { LikeKernel = true }; return true;
            case "fakeroot": _options = _options with { FakeRoot = true }; return true;
            case "discard": _options = _options with { Discard = true }; return true;
            case "nodiscard": _options = _options with { Discard = false }; return true;
            case "grpid" or "bsdgroups": _options = _options with { GroupOfDirectory = true }; return true;
            case "nogrpid" or "sysvgroups": _options = _options with { GroupOfDirectory = false }; return true;
            case "quota" or "usrquota": Enforce(QuotaLimitKinds.User); return true;
            case "grpquota": Enforce(QuotaLimitKinds.Group); return true;
            case "prjquota": Enforce(QuotaLimitKinds.Project); return true;
            case "noquota": _options = _options with { QuotaLimits = QuotaLimitKinds.None }; return true;
            case "timing": _options = _options with { Timing = true }; return true;
            case "directio":
                throw new UsageException("mount option 'directio': the image is read and written through the page cache");
            case "journal_async_commit":
                throw new UsageException("mount option 'journal_async_commit' cannot keep data ordered before metadata");
            // What these ask for is what we do anyway, or they tune an implementation that is not ours.
            case "user_xattr" or "noblock_validity" or "block_validity" or "delalloc" or "nodelalloc" or "barrier"
                or "nobarrier" or "auto_da_alloc" or "noauto_da_alloc" or "dioread_lock" or "dioread_nolock"
                or "nodioread_nolock" or "mbcache" or "no_mbcache" or "nombcache" or "journal_checksum"
                or "nojournal_checksum" or "warn_on_error" or "nowarn_on_error" or "prefetch_block_bitmaps"
                or "no_prefetch_block_bitmaps" or "init_itable" or "noinit_itable" or "iomap_cache" or "noiomap_cache":
                return true;
            default: return false;
        }
    }

    private bool TakeExt4Volume(string name, string value)
    {
        switch (name)
        {
            case "offset": _options = _options with { OffsetBytes = Number(name, value, 0, long.MaxValue >> 1) }; return true;
            case "sb": _options = _options with { SuperblockKibibytes = (ulong)Number(name, value, 1, 1L << 52) }; return true;
            case "journal_path": _options = _options with { JournalPath = Text(name, value) }; return true;
            case "errors": _options = _options with { Errors = Errors(value) }; return true;
            case "data": _options = _options with { DataMode = Mode(value) }; return true;
            case "data_err": _options = _options with { AbortOnDataFailure = IsAbort(value) }; return true;
            case "resuid": _options = _options with { ReserveUserId = (uint)Number(name, value, 0, uint.MaxValue) }; return true;
            case "resgid": _options = _options with { ReserveGroupId = (uint)Number(name, value, 0, uint.MaxValue) }; return true;
            case "stripe": _options = _options with { StripeBlocks = (uint)Number(name, value, 0, 1 << 21) }; return true;
            // flush_interval is the C program's name for the period of its background flush.
            case "commit" or "flush_interval":
                _options = _options with { CommitSeconds = (int)Number(name, value, 0, 3600) };
                return true;
            default: return false;
        }
    }

    private bool TakeExt4Tuning(string name, string value)
    {
        switch (name)
        {
            case "cache_size": _options = _options with { CacheBytes = Size(name, value, 1, int.MaxValue) }; return true;
            case "stripe_width":
                _options = _options with { StripeWidthBytes = Size(name, value, StripeLayout.LeastWidthBytes, 1L << 40) };
                return true;
            case "stripe_member":
                _options = _options with { StripeMembers = [.. _options.StripeMembers, Text(name, value)] };
                return true;
            case "lockfile": _options = _options with { LockFile = Text(name, value) }; return true;
            case "oom_score_adj":
                _options = _options with { OutOfMemoryScore = (int)Number(name, value, -1000, 1000) };
                return true;
            case "barrier" when value is "0" or "1": return true;
            case "inode_readahead_blks" or "max_batch_time" or "min_batch_time" or "journal_ioprio" or "init_itable"
                or "debug_want_extra_isize" or "max_dir_size_kb" or "auto_da_alloc" or "mb_optimize_scan":
                _ = Number(name, value, 0, int.MaxValue);
                return true;
            default: return false;
        }
    }

    private void Enforce(QuotaLimitKinds kind) =>
        _options = _options with { QuotaLimits = _options.QuotaLimits | kind };

    private static ErrorsPolicy Errors(string value) => value switch
    {
        "continue" => ErrorsPolicy.Continue,
        "remount-ro" => ErrorsPolicy.RemountReadOnly,
        "panic" => ErrorsPolicy.Panic,
        _ => throw new UsageException($"mount option 'errors={value}': continue, remount-ro or panic is expected"),
    };

    private static bool IsAbort(string value) => value switch
    {
        "abort" => true,
        "ignore" => false,
        _ => throw new UsageException($"mount option 'data_err={value}': abort or ignore is expected"),
    };

    private static DataMode Mode(string value) => value switch
    {
        "ordered" => DataMode.Ordered,
        "writeback" => DataMode.WriteBack,
        "journal" => DataMode.Journal,
        _ => throw new UsageException($"mount option 'data={value}': ordered, writeback or journal is expected"),
    };
}
