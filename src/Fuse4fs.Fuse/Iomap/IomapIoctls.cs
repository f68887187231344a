using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>ioctls on /dev/fuse that fuse-iomap adds, the same in v8 and v9 but for the last.</summary>
public static class IomapIoctls
{
    private const uint BackingOpen = 0x4010E501;
    private const uint BackingClose = 0x4004E502;
    private const uint SyncInit = 0x0000E503;
    private const uint Support = 0x8010E563;
    private const uint SetNoRecursion = 0x4004E564;
    private const uint AddIomap = 0x0000E565;
    private const uint SetBlockSize = 0x4008E566;
    private const uint StripeConfig = 0x4010E567;
    private const int MostMembers = 256;

    /// <summary>Asks whether block mappings can be used. Works before the mount as well.</summary>
    /// <param name="device">An open /dev/fuse.</param>
    /// <param name="flags">See <see cref="IomapSupport"/>; 0: the kernel has them, but not for us.</param>
    /// <returns>NotTerminal: the kernel does not have them.</returns>
    public static Errno TryGetSupport(IFuseTransport device, out ulong flags)
    {
        Span<byte> argument = stackalloc byte[Unsafe.SizeOf<IomapSupport>()];
        argument.Clear();
        Errno error = device.Ioctl(Support, argument, out _);
        flags = error == Errno.Ok ? MemoryMarshal.Read<IomapSupport>(argument).Flags : 0;
        return error;
    }

    /// <summary>Permits a mount with block mappings on this open file, whoever mounts it. Before the mount.</summary>
    /// <returns>NotPermitted: without CAP_SYS_RAWIO, or fuse.enable_iomap is off; NotTerminal: the kernel has none.</returns>
    public static Errno Permit(IFuseTransport device) => device.Ioctl(AddIomap, [], out _);

    /// <summary>Makes mount(2) wait until INIT and CONFIG are answered: the session then has to start on another
    /// thread. Before the mount.</summary>
    public static Errno MountSynchronously(IFuseTransport device) => device.Ioctl(SyncInit, [], out _);

    /// <summary>The calling thread will not be drawn into writing pages of file systems when memory is short.</summary>
    public static Errno ProtectThread(IFuseTransport device)
    {
        uint on = 1;
        return device.Ioctl(SetNoRecursion, MemoryMarshal.AsBytes(new Span<uint>(ref on)), out _);
    }

    /// <summary>Which revision the kernel has, as people call it, as far as requests tell that need no agreement.</summary>
    /// <param name="device">A mounted /dev/fuse, INIT answered or not, of a kernel that knows
    /// <see cref="TryGetSupport"/>.</param>
    public static string RevisionName(IFuseTransport device) =>
        TrySetBlockSize(device, BackingId.None, 0) == Errno.NotTerminal ? "older than v7, not used"
        : TryStripe(device, 0, [], out _) == Errno.NotTerminal ? IomapRevision.V8.Name
        : IomapRevision.V9.Name;

    /// <summary>Whether the kernel can make one address space of several devices: v8 cannot. Works before the mount as
    /// well, before <see cref="MountSynchronously"/>.</summary>
    public static bool HasStripes(IFuseTransport device) => TryStripe(device, 0, [], out _) != Errno.NotTerminal;

    internal static Errno TryRegister(IFuseTransport device, FileDescriptor file, out BackingId id)
    {
        var map = new BackingMap { Descriptor = file.Number, Flags = BackingMap.ForIomap };
        Errno error = device.Ioctl(BackingOpen, MemoryMarshal.AsBytes(new Span<BackingMap>(ref map)), out int result);
        GC.KeepAlive(file);
        id = error == Errno.Ok ? new BackingId((uint)result) : BackingId.None;
        return error;
    }

    internal static Errno TryForget(IFuseTransport device, BackingId id)
    {
        uint number = id.Number;
        return device.Ioctl(BackingClose, MemoryMarshal.AsBytes(new Span<uint>(ref number)), out _);
    }

    internal static Errno TrySetBlockSize(IFuseTransport device, BackingId id, int bytes)
    {
        var info = new BackingInfo { Device = id.Number, BlockSize = (uint)bytes };
        return device.Ioctl(SetBlockSize, MemoryMarshal.AsBytes(new Span<BackingInfo>(ref info)), out _);
    }

    /// <param name="device">The mounted /dev/fuse.</param>
    /// <param name="widthBytes">Of a strip; 0 together with no members only tries whether the kernel knows stripes.</param>
    /// <param name="members">In their order.</param>
    /// <param name="id">The set.</param>
    internal static Errno TryStripe(
        IFuseTransport device, long widthBytes, ReadOnlySpan<StripeMember> members, out BackingId id)
    {
        id = BackingId.None;
        if (members.Length > MostMembers)
        {
            return Errno.NoMemory;
        }
        Span<byte> argument = stackalloc byte[Unsafe.SizeOf<BackingStripe>() * (1 + MostMembers)];
        argument = argument[..(Unsafe.SizeOf<BackingStripe>() * (1 + members.Length))];
        MemoryMarshal.Write(argument, new BackingStripe { Members = (ushort)members.Length, Width = (ulong)widthBytes });
        Span<BackingStrip> strips = MemoryMarshal.Cast<byte, BackingStrip>(argument[Unsafe.SizeOf<BackingStripe>()..]);
        for (int i = 0; i < members.Length; i++)
        {
            strips[i] = new BackingStrip { Device = members[i].Device.Number, Address = (ulong)members[i].Address };
        }
        Errno error = device.Ioctl(StripeConfig, argument, out int result);
        id = error == Errno.Ok ? new BackingId((uint)result) : BackingId.None;
        return error;
    }
}
