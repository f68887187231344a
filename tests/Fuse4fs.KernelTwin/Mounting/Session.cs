using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>Mounting and unmounting. Sections 3, 4 and 10; traces 2 and 13.</summary>
internal sealed class Session(TwinKernel kernel)
{
    private const uint Major = 7;
    private const uint Minor = 99;
    private const uint MaxReadahead = 131072;
    private const ulong OfferedFlags = 0x0000_0DFD_73FF_FFFB;

    /// <summary>INIT offered iomap.</summary>
    public bool IsIomapOffered { get; private set; }

    /// <summary>The INIT reply took it.</summary>
    public bool IsIomapAccepted { get; private set; }

    /// <summary>The minor version is high enough for attribute flags to count.</summary>
    public bool AttributeFlagsCount { get; private set; }

    public InitFlags Flags { get; private set; }

    public int MaxWrite { get; private set; } = 4096;

    public MountConfig Config { get; private set; } = new();

    public bool Has(InitFlags flag) => (Flags & flag) != 0;

    /// <summary>mount(2): with SYNC_INIT it waits for CONFIG's answer.</summary>
    public async Task<Errno> Mount(FuseDevice device)
    {
        IsIomapOffered = kernel.Options.IsIomapEnabled && (kernel.Options.MounterHasRawIo || device.IsBlessed);
        kernel.Connection.Advance(ConnectionState.Initializing);
        if (device.IsSyncInit)
        {
            Errno error = await Negotiate();
            if (error != Errno.Ok)
            {
                await kernel.Connection.Call(Caller.None, Opcode.Destroy, 0, [], ReplyForm.Empty, "DESTROY");
                kernel.Connection.Abort();
            }
            return error;
        }
        kernel.Scheduler.Spawn(async () =>
        {
            if (await Negotiate() != Errno.Ok)
            {
                kernel.Connection.Advance(ConnectionState.Refused);
            }
        });
        return Errno.Ok;
    }

    /// <summary>umount(2) of a mount without open files.</summary>
    public async Task<Errno> Unmount()
    {
        if (kernel.Inodes.All.Any(inode => inode.Opens > 0 || inode.Maps > 0))
        {
            return Errno.EBUSY;
        }
        foreach (Inodes.Inode inode in kernel.Inodes.All.ToArray())
        {
            await kernel.Writeback.FlushInode(inode, Caller.Flusher, waits: true);
        }
        if (kernel.Quirks.SyncfsAtUnmount)
        {
            await kernel.Syncing.Syncfs(new Caller("", 1, 0, 0));
        }
        if (kernel.Quirks.ForgetsAtUnmount)
        {
            kernel.Inodes.EvictAll();
        }
        Reply reply = await kernel.Connection.Call(Caller.None, Opcode.Destroy, 0, [], ReplyForm.Empty, "DESTROY",
            CallKind.Forced);
        if (kernel.Connection.Unanswered.Any(request => request.Opcode == Opcode.Release))
        {
            kernel.Rules.Report(RuleBook.DestroyLast, "a RELEASE is still unanswered");
        }
        kernel.Connection.Abort();
        return reply.IsOk || reply.Error == Errno.ENOSYS ? Errno.Ok : reply.Error;
    }

    private async Task<Errno> Negotiate()
    {
        InitFlags offered = (InitFlags)OfferedFlags & ~(IsIomapOffered ? InitFlags.None : InitFlags.Iomap);
        var init = new SessionWire.InitIn
        {
            Major = Major,
            Minor = Minor,
            MaxReadahead = MaxReadahead,
            Flags = (uint)offered,
            Flags2 = (uint)((ulong)offered >> 32),
        };
        Reply reply = await kernel.Connection.Call(Caller.None, Opcode.Init, 0, WireBytes.Of(init),
            new ReplyForm(64, MayBeShorter: true), "INIT");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        SessionWire.InitOut answer = reply.As<SessionWire.InitOut>();
        if (answer.Major != Major)
        {
            kernel.Rules.Report(RuleBook.InitVersion, $"major {answer.Major}");
            return Errno.EIO;
        }
        AttributeFlagsCount = answer.Minor >= Minor;
        ulong flags = answer.Flags;
        if ((flags & (ulong)InitFlags.InitExtended) != 0)
        {
            flags |= (ulong)answer.Flags2 << 32;
        }
        Flags = (InitFlags)flags & offered;
        MaxWrite = (int)Math.Max(4096, answer.MaxWrite);
        IsIomapAccepted = Has(InitFlags.Iomap);
        if (IsIomapAccepted && !AttributeFlagsCount)
        {
            kernel.Rules.Report(RuleBook.InitVersion, $"minor {answer.Minor}");
        }
        Errno error = IsIomapAccepted ? await Configure() : Errno.Ok;
        if (error == Errno.Ok)
        {
            kernel.Connection.Advance(ConnectionState.Ready);
        }
        return error;
    }

    private async Task<Errno> Configure()
    {
        kernel.Connection.Advance(ConnectionState.Configuring);
        var config = new SessionWire.ConfigIn
        {
            Flags = (ulong)ConfigFlags.All,
            MaxBytes = MountConfig.LargestFile,
            CacheMaxBytes = MountConfig.DefaultCacheBytes,
        };
        Reply reply = await kernel.Connection.Call(Caller.None, Opcode.IomapConfig, 0, WireBytes.Of(config),
            new ReplyForm(104, MayBeShorter: true), "CONFIG");
        if (reply.Error == Errno.ENOSYS)
        {
            return Errno.Ok;
        }
        if (!reply.IsOk)
        {
            return kernel.Quirks.ConfigErrorIsPassedOn ? reply.Error : Errno.EINVAL;
        }
        MountConfig? settled = ConfigReply.Apply(reply.As<SessionWire.ConfigOut>(), kernel.Rules);
        Config = settled ?? Config;
        return settled is null ? Errno.EINVAL : Errno.Ok;
    }
}
