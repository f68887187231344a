using Fuse4fs.Ext4;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Options;

/// <summary>The words of -o lists.</summary>
public sealed class OptionParserTests
{
    /// <summary>Every word the C program documents, and what mount(8) and test suites add.</summary>
    public static TheoryData<string> KnownWords => [.. ("ro rw minixdf bsddf fakeroot kernel acl noacl norecovery noload "
        + "offset=4096 errors=continue errors=remount-ro errors=panic cache_size=32m cache_size=1g dirsync "
        + "lockfile=/tmp/x no_default_opts oom_score_adj=-500 timing fuse4fs_debug flush_interval=30 iomap iomap=0 "
        + "iomap=1 iomap=default iomap_cache noiomap_cache lazytime nolazytime strictatime nostrictatime user_xattr "
        + "noblock_validity nodelalloc suid nosuid dev nodev exec noexec sync async noatime nodiratime norelatime "
        + "relatime allow_other default_permissions max_read=65536 fsname=x subtype=ext3 debug _netdev nofail auto "
        + "noauto user users nouser defaults x-systemd.automount x-gvfs-show remount journal_path=/dev/x sb=32768 "
        + "usrquota grpquota prjquota quota noquota "
        + "commit=5 data=ordered data=writeback data=journal data_err=abort data_err=ignore "
        + "nojournal_checksum nobarrier nodioread_nolock no_mbcache nowarn_on_error no_prefetch_block_bitmaps mb_optimize_scan=1 "
        + "resuid=1 resgid=1 stripe=4 discard nodiscard barrier "
        + "barrier=1 fuseblk fuseblk=auto fuseblk=off threads=4 nonempty grpid init_itable=10 i_version idmap "
        + "uhelper=fuse4fs uidmap=0:1000:1 gidmap=0:100000:65536:65536:1000:1 squash_to_root").Split(' ')];

    [Theory]
    [MemberData(nameof(KnownWords))]
    public void A_known_word_is_accepted(string word) => Parse(word);

    [Theory]
    [InlineData("dax")]
    [InlineData("inlinecrypt")]
    [InlineData("test_dummy_encryption")]
    [InlineData("frobnicate")]
    [InlineData("ro=1")]
    [InlineData("offset")]
    [InlineData("offset=")]
    [InlineData("offset=-1")]
    [InlineData("offset=1k")]
    [InlineData("errors=explode")]
    [InlineData("cache_size=0")]
    [InlineData("cache_size=2g")]
    [InlineData("oom_score_adj=1001")]
    [InlineData("journal_async_commit")]
    [InlineData("iomap=2")]
    [InlineData("directio")]
    [InlineData("uidmap=0:1000")]
    [InlineData("uidmap=0:1000:0")]
    [InlineData("gidmap=0:1000:10:5:2000:10")]
    [InlineData("gidmap=0:0:4294967295:1:1:1")]
    [InlineData("uidmap=4294967295:0:1")]
    [InlineData("data=all")]
    [InlineData("data_err=panic")]
    public void An_unknown_word_or_bad_value_is_refused_by_name(string word)
    {
        UsageException refusal = Assert.Throws<UsageException>(() => Parse("rw," + word));
        Assert.Contains(word.Split('=')[0], refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void The_last_word_wins()
    {
        Assert.True(Parse("rw,ro").ReadOnly);
        Assert.False(Parse("ro,rw").ReadOnly);
        Assert.Equal(MountFlags.NoDevices, Parse("suid,nodev").Mount.Flags);
    }

    [Fact]
    public void What_kernel_implies_comes_before_what_the_caller_says()
    {
        ServeOptions options = Parse("nosuid,noacl,kernel");
        Assert.True(options.Mount.AllowOther);
        Assert.True(options.LikeKernel);
        Assert.False(options.AccessControlLists);
        Assert.Equal(MountFlags.NoSetId, options.Mount.Flags);
    }

    [Fact]
    public void Fakeroot_gives_no_rights_on_this_machine()
    {
        ServeOptions options = Parse("suid,dev,fakeroot");
        Assert.False(options.Mount.DefaultPermissions);
        Assert.False(options.AccessControlLists);
        Assert.Equal(MountFlags.NoSetId | MountFlags.NoDevices, options.Mount.Flags);
    }

    [Theory]
    [InlineData("fakeroot,allow_other")]
    [InlineData("kernel,fakeroot")]
    public void Fakeroot_is_for_nobody_but_who_mounts(string list)
    {
        Assert.SkipUnless(Host.IsRoot, "others than root are refused");
        ServeOptions options = Parse(list);
        Assert.True(options.Mount.DefaultPermissions);
        Assert.True(options.AccessControlLists);
        Assert.Equal(MountFlags.NoSetId | MountFlags.NoDevices, options.Mount.Flags);
    }

    [Fact]
    public void Values_arrive()
    {
        ServeOptions options = Parse(@"offset=1048576,errors=remount-ro,cache_size=8m,lockfile=/a\,b,sb=32768,commit=7");
        Assert.Equal(1048576, options.OffsetBytes);
        Assert.Equal(ErrorsPolicy.RemountReadOnly, options.Errors);
        Assert.Equal(8 << 20, options.CacheBytes);
        Assert.Equal("/a,b", options.LockFile);
        Assert.Equal(32768UL, options.SuperblockKibibytes);
        Assert.Equal(7, options.CommitSeconds);
    }

    [Theory]
    [InlineData("a,b", "a|b")]
    [InlineData(@"fsname=x\,y,ro", "fsname=x,y|ro")]
    [InlineData(@"a\\b", @"a\b")]
    [InlineData(",,a,,", "a")]
    public void A_list_is_split_at_commas_that_are_not_escaped(string list, string words)
    {
        Assert.Equal(words.Split('|'), OptionWords.Split(list));
        Assert.Equal(words.Split('|'), OptionWords.Split(OptionWords.Join(words.Split('|'))));
    }

    private static ServeOptions Parse(string list) => OptionParser.Parse(new MountRequest
    {
        Source = "image",
        MountPoint = "/mnt",
        Words = [.. OptionWords.Split(list)],
    }).Options;
}
