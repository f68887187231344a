using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Mounting;

public sealed class MountOptionsTests
{
    [Theory]
    [InlineData("ro", MountFlags.ReadOnly | MountFlags.NoSetId | MountFlags.NoDevices)]
    [InlineData("ro,rw,suid,dev", MountFlags.None)]
    [InlineData("suid,dev,noexec,noatime", MountFlags.NoExecute | MountFlags.NoAccessTime)]
    [InlineData("suid,dev,noatime,strictatime", MountFlags.StrictAccessTime)]
    [InlineData("suid,dev,dirsync,sync,async", MountFlags.DirectorySync)]
    [InlineData("suid,dev,lazytime,nodiratime,nosymfollow",
        MountFlags.LazyTime | MountFlags.NoDirectoryAccessTime | MountFlags.NoSymlinkFollow)]
    public void Flag_words_become_flags_and_never_data(string list, MountFlags flags)
    {
        MountOptions options = Parse(list);
        Assert.Equal(flags, options.Flags);
        Assert.Equal("fd=5,rootmode=40000,user_id=1,group_id=2", options.ToKernelData(5, 0x4000, 1, 2));
    }

    [Fact]
    public void Words_of_the_file_system_become_data_and_never_flags()
    {
        MountOptions options = Parse("allow_other,default_permissions,max_read=65536,suid,dev");
        Assert.Equal(MountFlags.None, options.Flags);
        Assert.Equal(
            "fd=5,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=65536",
            options.ToKernelData(5, 0x4000, 0, 0));
    }

    [Fact]
    public void Fuseblk_names_its_block_size()
    {
        MountOptions options = Parse("blksize=1024,subtype=ext4") with { FuseBlock = true };
        Assert.EndsWith(",blksize=1024", options.ToKernelData(5, 0x4000, 0, 0), StringComparison.Ordinal);
        Assert.Equal("fuseblk.ext4", options.Type);
        Assert.Equal("fuse", new MountOptions().Type);
    }

    [Fact]
    public void The_helper_gets_words_and_escaped_names()
    {
        MountOptions options = Parse("ro,noexec,allow_other") with { Source = @"a,b\c", Subtype = "ext4" };
        Assert.Equal(@"ro,nosuid,nodev,noexec,allow_other,fsname=a\,b\\c,subtype=ext4", options.ToHelperList());
    }

    [Theory]
    [InlineData("data=journal")]
    [InlineData("max_read=")]
    [InlineData("max_read=-1")]
    [InlineData("max_read=1x")]
    [InlineData("allow_other=1")]
    [InlineData("fsname=")]
    [InlineData("")]
    [InlineData("RO")]
    public void Other_words_are_somebody_elses(string word)
    {
        var options = new MountOptions();
        Assert.False(options.TryApply(word, out MountOptions same));
        Assert.Equal(options, same);
    }

    [Theory]
    [InlineData(@"36 35 0:33 / /mnt\040two rw,noatime shared:1 - fuse.ext4 /dev/lo\134op rw,user_id=0",
        "/mnt two", "fuse.ext4", @"/dev/lo\op", "0:33")]
    [InlineData("36 35 8:1 / / rw - ext4 /dev/root rw", "/", "ext4", "/dev/root", "8:1")]
    public void Lines_of_the_mount_table_are_understood(
        string line, string mountPoint, string type, string source, string device)
    {
        MountEntry entry = MountTable.Parse(line)!;
        Assert.Equal((mountPoint, type, source, device), (entry.MountPoint, entry.Type, entry.Source, entry.Device));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b c d e f - g h i")]
    [InlineData("36 35 8:1 / / rw ext4 /dev/root rw")]
    public void Broken_lines_are_left_out(string line) => Assert.Null(MountTable.Parse(line));

    private static MountOptions Parse(string list)
    {
        var options = new MountOptions();
        foreach (string word in list.Split(','))
        {
            Assert.True(options.TryApply(word, out options), word);
        }
        return options;
    }
}
