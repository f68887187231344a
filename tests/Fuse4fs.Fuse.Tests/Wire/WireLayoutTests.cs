using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Fuse4fs.Fuse.Wire;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Wire;

public sealed class WireLayoutTests
{
    private const string KernelHeader = "/usr/include/linux/fuse.h";

    private static readonly (string Kernel, int Ours)[] _sizes =
    [
        ("fuse_in_header", Unsafe.SizeOf<InHeader>()),
        ("fuse_out_header", Unsafe.SizeOf<OutHeader>()),
        ("fuse_ext_header", Unsafe.SizeOf<ExtensionHeader>()),
        ("fuse_init_in", Unsafe.SizeOf<InitIn>()),
        ("fuse_init_out", Unsafe.SizeOf<InitOut>()),
        ("fuse_attr", Unsafe.SizeOf<NodeAttributes>()),
        ("fuse_entry_out", Unsafe.SizeOf<EntryOut>()),
        ("fuse_getattr_in", Unsafe.SizeOf<GetAttributesIn>()),
        ("fuse_attr_out", Unsafe.SizeOf<AttributesOut>()),
        ("fuse_setattr_in", Unsafe.SizeOf<SetAttributesIn>()),
        ("fuse_statx_in", Unsafe.SizeOf<StatxIn>()),
        ("fuse_sx_time", Unsafe.SizeOf<StatxTime>()),
        ("fuse_statx", Unsafe.SizeOf<StatxAttributes>()),
        ("fuse_statx_out", Unsafe.SizeOf<StatxOut>()),
        ("fuse_forget_in", Unsafe.SizeOf<ForgetIn>()),
        ("fuse_batch_forget_in", Unsafe.SizeOf<BatchForgetIn>()),
        ("fuse_forget_one", Unsafe.SizeOf<ForgetOne>()),
        ("fuse_mknod_in", Unsafe.SizeOf<MakeNodeIn>()),
        ("fuse_mkdir_in", Unsafe.SizeOf<MakeDirectoryIn>()),
        ("fuse_rename_in", Unsafe.SizeOf<RenameIn>()),
        ("fuse_rename2_in", Unsafe.SizeOf<Rename2In>()),
        ("fuse_link_in", Unsafe.SizeOf<LinkIn>()),
        ("fuse_open_in", Unsafe.SizeOf<OpenIn>()),
        ("fuse_create_in", Unsafe.SizeOf<CreateIn>()),
        ("fuse_open_out", Unsafe.SizeOf<OpenOut>()),
        ("fuse_release_in", Unsafe.SizeOf<ReleaseIn>()),
        ("fuse_flush_in", Unsafe.SizeOf<FlushIn>()),
        ("fuse_read_in", Unsafe.SizeOf<ReadIn>()),
        ("fuse_write_in", Unsafe.SizeOf<WriteIn>()),
        ("fuse_write_out", Unsafe.SizeOf<WriteOut>()),
        ("fuse_fsync_in", Unsafe.SizeOf<FsyncIn>()),
        ("fuse_fallocate_in", Unsafe.SizeOf<FallocateIn>()),
        ("fuse_lseek_in", Unsafe.SizeOf<SeekIn>()),
        ("fuse_lseek_out", Unsafe.SizeOf<SeekOut>()),
        ("fuse_copy_file_range_in", Unsafe.SizeOf<CopyFileRangeIn>()),
        ("fuse_copy_file_range_out", Unsafe.SizeOf<CopyFileRangeOut>()),
        ("fuse_dirent", Unsafe.SizeOf<DirectoryEntry>()),
        ("fuse_direntplus", Unsafe.SizeOf<DirectoryEntryPlus>()),
        ("fuse_setxattr_in", Unsafe.SizeOf<SetXattrIn>()),
        ("fuse_getxattr_in", Unsafe.SizeOf<GetXattrIn>()),
        ("fuse_getxattr_out", Unsafe.SizeOf<GetXattrOut>()),
        ("fuse_statfs_out", Unsafe.SizeOf<StatFsOut>()),
        ("fuse_access_in", Unsafe.SizeOf<AccessIn>()),
        ("fuse_interrupt_in", Unsafe.SizeOf<InterruptIn>()),
        ("fuse_bmap_in", Unsafe.SizeOf<BmapIn>()),
        ("fuse_bmap_out", Unsafe.SizeOf<BmapOut>()),
        ("fuse_ioctl_in", Unsafe.SizeOf<IoControlIn>()),
        ("fuse_ioctl_out", Unsafe.SizeOf<IoControlOut>()),
        ("fuse_poll_in", Unsafe.SizeOf<PollIn>()),
        ("fuse_poll_out", Unsafe.SizeOf<PollOut>()),
        ("fuse_file_lock", Unsafe.SizeOf<FileLock>()),
        ("fuse_lk_in", Unsafe.SizeOf<LockIn>()),
        ("fuse_syncfs_in", Unsafe.SizeOf<SyncFsIn>()),
        ("fuse_notify_inval_inode_out", Unsafe.SizeOf<NotifyInvalidateInode>()),
        ("fuse_notify_inval_entry_out", Unsafe.SizeOf<NotifyInvalidateEntry>()),
        ("fuse_notify_delete_out", Unsafe.SizeOf<NotifyDelete>()),
        ("fuse_notify_store_out", Unsafe.SizeOf<NotifyStore>()),
        ("fuse_notify_prune_out", Unsafe.SizeOf<NotifyPrune>()),
    ];

    /// <summary>Fields whose place a size does not pin.</summary>
    private static readonly (string Kernel, string Field, int Ours)[] _offsets =
    [
        ("fuse_in_header", "nodeid", Offset<InHeader, ulong>((ref InHeader s) => ref s.NodeId)),
        ("fuse_in_header", "pid", Offset<InHeader, uint>((ref InHeader s) => ref s.Pid)),
        ("fuse_in_header", "total_extlen", Offset<InHeader, ushort>((ref InHeader s) => ref s.ExtensionLength8)),
        ("fuse_attr", "mode", Offset<NodeAttributes, uint>((ref NodeAttributes s) => ref s.Mode)),
        ("fuse_attr", "rdev", Offset<NodeAttributes, uint>((ref NodeAttributes s) => ref s.DeviceNumber)),
        ("fuse_entry_out", "attr", Offset<EntryOut, NodeAttributes>((ref EntryOut s) => ref s.Attributes)),
        ("fuse_setattr_in", "mode", Offset<SetAttributesIn, uint>((ref SetAttributesIn s) => ref s.Mode)),
        ("fuse_setattr_in", "gid", Offset<SetAttributesIn, uint>((ref SetAttributesIn s) => ref s.Gid)),
        ("fuse_setattr_in", "ctimensec",
            Offset<SetAttributesIn, uint>((ref SetAttributesIn s) => ref s.ChangeTimeNanoseconds)),
        ("fuse_init_out", "max_write", Offset<InitOut, uint>((ref InitOut s) => ref s.MaxWrite)),
        ("fuse_init_out", "max_pages", Offset<InitOut, ushort>((ref InitOut s) => ref s.MaxPages)),
        ("fuse_init_out", "flags2", Offset<InitOut, uint>((ref InitOut s) => ref s.Flags2)),
        ("fuse_read_in", "size", Offset<ReadIn, uint>((ref ReadIn s) => ref s.Size)),
        ("fuse_write_in", "write_flags", Offset<WriteIn, WriteFlags>((ref WriteIn s) => ref s.WriteFlags)),
        ("fuse_ioctl_in", "arg", Offset<IoControlIn, ulong>((ref IoControlIn s) => ref s.Argument)),
        ("fuse_ioctl_in", "out_size", Offset<IoControlIn, uint>((ref IoControlIn s) => ref s.OutputSize)),
        ("fuse_statfs_out", "st.frsize", Offset<StatFsOut, uint>((ref StatFsOut s) => ref s.FragmentSize)),
        ("fuse_dirent", "type", Offset<DirectoryEntry, uint>((ref DirectoryEntry s) => ref s.Type)),
        ("fuse_direntplus", "dirent",
            Offset<DirectoryEntryPlus, DirectoryEntry>((ref DirectoryEntryPlus s) => ref s.Directory)),
        ("fuse_statx", "btime", Offset<StatxAttributes, StatxTime>((ref StatxAttributes s) => ref s.BirthTime)),
        ("fuse_statx", "rdev_major", Offset<StatxAttributes, uint>((ref StatxAttributes s) => ref s.DeviceNumberMajor)),
        ("fuse_statx_out", "stat", Offset<StatxOut, StatxAttributes>((ref StatxOut s) => ref s.Statx)),
    ];

    private delegate ref TField Field<TStruct, TField>(ref TStruct value);

    /// <summary>Sizes as the protocol's documentation gives them: the ones no compiler here may know.</summary>
    [Fact]
    public void Sizes_are_those_of_the_protocol()
    {
        Assert.Equal(40, Unsafe.SizeOf<InHeader>());
        Assert.Equal(16, Unsafe.SizeOf<OutHeader>());
        Assert.Equal(64, Unsafe.SizeOf<InitIn>());
        Assert.Equal(64, Unsafe.SizeOf<InitOut>());
        Assert.Equal(40, Offset<InitOut, ushort>((ref InitOut s) => ref s.RequestTimeout));
        Assert.Equal(88, Unsafe.SizeOf<NodeAttributes>());
        Assert.Equal(128, Unsafe.SizeOf<EntryOut>());
        Assert.Equal(88, Unsafe.SizeOf<SetAttributesIn>());
        Assert.Equal(24, Unsafe.SizeOf<StatxIn>());
        Assert.Equal(256, Unsafe.SizeOf<StatxAttributes>());
        Assert.Equal(288, Unsafe.SizeOf<StatxOut>());
        Assert.Equal(8, Unsafe.SizeOf<CopyFileRangeOut>());
        Assert.Equal(16, Unsafe.SizeOf<NotifyPrune>());
        Assert.Equal(288, Unsafe.SizeOf<UringHeaders>());
        Assert.Equal(32, Unsafe.SizeOf<UringEntryInOut>());
        Assert.Equal(24, Unsafe.SizeOf<UringCommandRequest>());
        Assert.Equal(152, Unsafe.SizeOf<DirectoryEntryPlus>());
    }

    /// <summary>A C compiler and the kernel's own header know better than we do.</summary>
    [Fact]
    public void Layout_is_what_a_compiler_makes_of_the_kernels_header()
    {
        Assert.SkipUnless(File.Exists(KernelHeader), $"no {KernelHeader} (package linux-libc-dev)");
        string header = File.ReadAllText(KernelHeader);
        string directory = Directory.CreateTempSubdirectory("fuse4fs-wire-").FullName;
        try
        {
            var wanted = _sizes
                .Where(size => header.Contains($"struct {size.Kernel} {{", StringComparison.Ordinal))
                .Select(size => ($"sizeof(struct {size.Kernel})", size.Ours))
                .Concat(_offsets
                    .Where(offset => header.Contains($"struct {offset.Kernel} {{", StringComparison.Ordinal))
                    .Select(offset => ($"offsetof(struct {offset.Kernel}, {offset.Field})", offset.Ours)))
                .ToList();
            string source = "#include <stdio.h>\n#include <stddef.h>\n#include <linux/fuse.h>\nint main(void) {\n"
                + string.Concat(wanted.Select(one => $"printf(\"%zu\\n\", (size_t){one.Item1});\n")) + "return 0; }\n";
            string program = Path.Combine(directory, "layout");
            File.WriteAllText(program + ".c", source);
            Assert.SkipUnless(Run("cc", $"-o {program} {program}.c") is not null, "no C compiler");
            string[] values = Run(program, "")!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(wanted.Count, values.Length);
            for (int i = 0; i < values.Length; i++)
            {
                Assert.True(int.Parse(values[i], CultureInfo.InvariantCulture) == wanted[i].Ours,
                    $"{wanted[i].Item1} is {values[i]}, ours is {wanted[i].Ours}");
            }
            Assert.True(values.Length > 60, "the kernel's header knows hardly any of our structures");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Every_opcode_has_a_counter_of_its_own_and_a_name()
    {
        var slots = new HashSet<int>();
        foreach (Opcode opcode in Enum.GetValues<Opcode>())
        {
            Assert.InRange(OperationTable.SlotOf(opcode), 0, OperationTable.Slots - 1);
            Assert.True(slots.Add(OperationTable.SlotOf(opcode)), opcode.ToString());
            bool unused = opcode is Opcode.None or Opcode.SetupMapping or Opcode.RemoveMapping;
            Assert.Equal(unused, OperationTable.Find(opcode) is null);
        }
        Assert.Equal(OperationTable.SlotOf((Opcode)9999), OperationTable.SlotOf((Opcode)uint.MaxValue));
    }

    private static int Offset<TStruct, TField>(Field<TStruct, TField> field)
        where TStruct : unmanaged
        where TField : unmanaged
    {
        TStruct value = default;
        return (int)Unsafe.ByteOffset(
            ref Unsafe.As<TStruct, byte>(ref value), ref Unsafe.As<TField, byte>(ref field(ref value)));
    }

    private static string? Run(string program, string arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
            })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} failed");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
