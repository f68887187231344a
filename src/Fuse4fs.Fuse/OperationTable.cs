using System.Runtime.CompilerServices;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>What every request of an opcode has in common: length checks, counters and log lines all read it here.</summary>
public static class OperationTable
{
    /// <summary>Slots of counters: opcodes below 56 have their own, then come the extension's and one for the rest.</summary>
    public const int Slots = 64;

    private const int FirstExtensionSlot = 56;
    private const int UnknownSlot = 63;
    private const uint FirstExtension = 4089;
    private const uint LastExtension = 4095;

    private static readonly Operation?[] _operations = Build();

    /// <summary>Where the opcode is counted.</summary>
    public static int SlotOf(Opcode opcode) => (uint)opcode switch
    {
        < FirstExtensionSlot => (int)opcode,
        >= FirstExtension and <= LastExtension => FirstExtensionSlot + (int)((uint)opcode - FirstExtension),
        _ => UnknownSlot,
    };

    /// <summary>The kernel's name of what is counted there.</summary>
    public static string NameOf(int slot) => slot switch
    {
        UnknownSlot => "OTHER",
        _ => _operations[slot]?.Name ?? $"OPCODE_{slot}",
    };

    /// <summary>The kernel's name of an opcode.</summary>
    public static string NameOf(Opcode opcode)
        => Find(opcode)?.Name ?? $"OPCODE_{(uint)opcode}";

    /// <summary>The entry of an opcode, null for one that we do not know.</summary>
    public static Operation? Find(Opcode opcode)
        => _operations[SlotOf(opcode)];

    /// <summary>Whether the opcode lies in the numbers the block-mapping extension uses.</summary>
    internal static bool IsExtension(Opcode opcode) => (uint)opcode is >= FirstExtension and <= LastExtension;

    private static Operation?[] Build()
    {
        var table = new Operation?[Slots];
        void Add(Opcode opcode, string name, int bodyBytes, int names = 0, bool hasReply = true)
            => table[SlotOf(opcode)] = new Operation(opcode, name, bodyBytes, names, hasReply);

        Add(Opcode.Lookup, "LOOKUP", 0, names: 1);
        Add(Opcode.Forget, "FORGET", Unsafe.SizeOf<ForgetIn>(), hasReply: false);
        Add(Opcode.GetAttributes, "GETATTR", Unsafe.SizeOf<GetAttributesIn>());
        Add(Opcode.SetAttributes, "SETATTR", Unsafe.SizeOf<SetAttributesIn>());
        Add(Opcode.ReadLink, "READLINK", 0);
        Add(Opcode.SymbolicLink, "SYMLINK", 0, names: 2);
        Add(Opcode.MakeNode, "MKNOD", Unsafe.SizeOf<MakeNodeIn>(), names: 1);
        Add(Opcode.MakeDirectory, "MKDIR", Unsafe.SizeOf<MakeDirectoryIn>(), names: 1);
        Add(Opcode.Unlink, "UNLINK", 0, names: 1);
        Add(Opcode.RemoveDirectory, "RMDIR", 0, names: 1);
        Add(Opcode.Rename, "RENAME", Unsafe.SizeOf<RenameIn>(), names: 2);
        Add(Opcode.Link, "LINK", Unsafe.SizeOf<LinkIn>(), names: 1);
        Add(Opcode.Open, "OPEN", Unsafe.SizeOf<OpenIn>());
        Add(Opcode.Read, "READ", Unsafe.SizeOf<ReadIn>());
        Add(Opcode.Write, "WRITE", Unsafe.SizeOf<WriteIn>());
        Add(Opcode.StatFs, "STATFS", 0);
        Add(Opcode.Release, "RELEASE", Unsafe.SizeOf<ReleaseIn>());
        Add(Opcode.Fsync, "FSYNC", Unsafe.SizeOf<FsyncIn>());
        Add(Opcode.SetXattr, "SETXATTR", SetXattrIn.ShortBytes, names: 1);
        Add(Opcode.GetXattr, "GETXATTR", Unsafe.SizeOf<GetXattrIn>(), names: 1);
        Add(Opcode.ListXattr, "LISTXATTR", Unsafe.SizeOf<GetXattrIn>());
        Add(Opcode.RemoveXattr, "REMOVEXATTR", 0, names: 1);
        Add(Opcode.Flush, "FLUSH", Unsafe.SizeOf<FlushIn>());
        Add(Opcode.Init, "INIT", InitIn.ShortBytes);
        Add(Opcode.OpenDirectory, "OPENDIR", Unsafe.SizeOf<OpenIn>());
        Add(Opcode.ReadDirectory, "READDIR", Unsafe.SizeOf<ReadIn>());
        Add(Opcode.ReleaseDirectory, "RELEASEDIR", Unsafe.SizeOf<ReleaseIn>());
        Add(Opcode.FsyncDirectory, "FSYNCDIR", Unsafe.SizeOf<FsyncIn>());
        Add(Opcode.GetLock, "GETLK", Unsafe.SizeOf<LockIn>());
        Add(Opcode.SetLock, "SETLK", Unsafe.SizeOf<LockIn>());
        Add(Opcode.SetLockWait, "SETLKW", Unsafe.SizeOf<LockIn>());
        Add(Opcode.Access, "ACCESS", Unsafe.SizeOf<AccessIn>());
        Add(Opcode.Create, "CREATE", Unsafe.SizeOf<CreateIn>(), names: 1);
        Add(Opcode.Interrupt, "INTERRUPT", Unsafe.SizeOf<InterruptIn>(), hasReply: false);
        Add(Opcode.Bmap, "BMAP", Unsafe.SizeOf<BmapIn>());
        Add(Opcode.Destroy, "DESTROY", 0);
        Add(Opcode.IoControl, "IOCTL", Unsafe.SizeOf<IoControlIn>());
        Add(Opcode.Poll, "POLL", Unsafe.SizeOf<PollIn>());
        Add(Opcode.NotifyReply, "NOTIFY_REPLY", 0, hasReply: false);
        Add(Opcode.BatchForget, "BATCH_FORGET", Unsafe.SizeOf<BatchForgetIn>(), hasReply: false);
        Add(Opcode.Fallocate, "FALLOCATE", Unsafe.SizeOf<FallocateIn>());
        Add(Opcode.ReadDirectoryPlus, "READDIRPLUS", Unsafe.SizeOf<ReadIn>());
        Add(Opcode.Rename2, "RENAME2", Unsafe.SizeOf<Rename2In>(), names: 2);
        Add(Opcode.Seek, "LSEEK", Unsafe.SizeOf<SeekIn>());
        Add(Opcode.CopyFileRange, "COPY_FILE_RANGE", Unsafe.SizeOf<CopyFileRangeIn>());
        Add(Opcode.SyncFs, "SYNCFS", Unsafe.SizeOf<SyncFsIn>());
        Add(Opcode.TemporaryFile, "TMPFILE", Unsafe.SizeOf<CreateIn>());
        Add(Opcode.Statx, "STATX", Unsafe.SizeOf<StatxIn>());
        Add(Opcode.CopyFileRange64, "COPY_FILE_RANGE_64", Unsafe.SizeOf<CopyFileRangeIn>());

        // Their lengths depend on the revision: IomapDispatcher looks at them.
        Add(Opcode.FreezeFs, "FREEZE_FS", 0);
        Add(Opcode.UnfreezeFs, "UNFREEZE_FS", 0);
        Add(Opcode.ShutdownFs, "SHUTDOWN_FS", 0);
        Add(Opcode.IomapConfig, "IOMAP_CONFIG", 0);
        Add(Opcode.IomapIoEnd, "IOMAP_IOEND", 0);
        Add(Opcode.IomapBegin, "IOMAP_BEGIN", 0);
        Add(Opcode.IomapEnd, "IOMAP_END", 0);
        return table;
    }
}
