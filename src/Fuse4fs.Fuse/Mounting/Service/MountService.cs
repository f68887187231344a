using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting.Service;

/// <summary>The service's side of a mount that a small helper with the caller's rights (fuservicemount3) makes for it: the
/// helper opens /dev/fuse and the image, and mounts; the service needs no right but to read and write what it was
/// handed. Started by a socket unit, one process for each connection. Protocol version 1 of libfuse.</summary>
public sealed class MountService : IDisposable
{
    private const int ProtocolVersion = 1;
    private const int HelloBytes = 12;

    /// <summary>SD_LISTEN_FDS_START: where a socket unit puts its socket.</summary>
    private const int FirstListenDescriptor = 3;

    private const uint AllowOtherFlag = 1, FuseBlockFlag = 2;

    /// <summary>The helper is not to complain to its user: we may ask again in another way.</summary>
    private const uint Quietly = 1;

    private const uint DirectoryType = 0x4000;

    private readonly ServiceChannel _channel;
    private FuseDevice? _device;

    private MountService(ServiceChannel channel) => _channel = channel;

    /// <summary>The caller may let other users in.</summary>
    public bool MayAllowOther { get; private set; }

    /// <summary>The arguments the helper was called with: the type without "fuse.", then source, mount point and options.
    /// </summary>
    public IReadOnlyList<string> Arguments { get; private set; } = [];

    /// <summary>Whether this process was started by a socket unit for one connection.</summary>
    public static bool IsActivated =>
        Environment.GetEnvironmentVariable("LISTEN_PID") == Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
        && Environment.GetEnvironmentVariable("LISTEN_FDS") == "1";

    /// <summary>Greets the helper on the socket we were started with, and takes its arguments and its /dev/fuse.</summary>
    /// <exception cref="FuseException">It speaks another protocol.</exception>
    public static MountService Accept()
    {
        const int setDescriptorFlags = 2, closeOnExec = 1;
        _ = LibC.FileControl(FirstListenDescriptor, setDescriptorFlags, closeOnExec);
        var service = new MountService(new ServiceChannel(new FileDescriptor(FirstListenDescriptor)));
        try
        {
            service.Greet();
            service.TakeArguments();
            Errno error = service._channel.ReceiveFile("fusedev", out FileDescriptor? device);
            service._device = error == Errno.Ok
                ? new FuseDevice(device!)
                : throw new FuseException(error, $"the mount helper could not open {FuseDevice.Path}: {error}");
            return service;
        }
        catch
        {
            service.Dispose();
            throw;
        }
    }

    /// <summary>Has the helper open a file with the rights of the one who mounts.</summary>
    /// <param name="path">As the caller gave it: relative to where he is.</param>
    /// <param name="flags">Close-on-exec is added by both sides.</param>
    /// <param name="file">Ours, on Ok.</param>
    /// <returns>The error of open(2).</returns>
    /// <exception cref="FuseException">The helper is gone or talks nonsense.</exception>
    public Errno Open(string path, OpenFlags flags, out FileDescriptor? file)
    {
        _channel.Send(ServiceTag.Open, [(uint)flags, 0, Quietly, 0], path);
        return _channel.ReceiveFile(path, out file);
    }

    /// <summary>Nothing more will be opened.</summary>
    public void EndOpening() => _channel.RefuseDescriptors();

    /// <summary>Says goodbye; the helper ends with this exit code.</summary>
    public void Finish(int exitCode)
    {
        try
        {
            _channel.Send(ServiceTag.Bye, [(uint)exitCode]);
        }
        catch (FuseException) when (exitCode != 0)
        {
            // It is gone already, and has nothing to be told but that it failed.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device?.Dispose();
        _channel.Dispose();
    }

    /// <summary>Has the helper mount. The kernel then waits for a session on the device.</summary>
    /// <exception cref="FuseException">The helper refuses; it has told its user why.</exception>
    internal FuseDevice Mount(string mountPoint, MountOptions options)
    {
        Demand(_channel.Ask(ServiceTag.Type, [0]), "this type");
        Demand(_channel.Ask(ServiceTag.Name, [], options.Source), $"the name {options.Source}");
        Demand(_channel.Ask(ServiceTag.MountPoint, [DirectoryType << 16], mountPoint), mountPoint);
        string words = options.ToServiceList();
        if (words.Length > 0)
        {
            Demand(_channel.Ask(ServiceTag.Options, [], words), $"the options {words}");
        }
        Demand(_channel.Ask(ServiceTag.Mount, [(uint)options.Flags]), mountPoint);
        FuseDevice device = _device ?? throw new InvalidOperationException("mounted twice");
        _device = null;
        return device;
    }

    private static void Demand(Errno error, string what)
    {
        if (error != Errno.Ok)
        {
            throw new FuseException(error, $"the mount helper refuses {what}: {error}");
        }
    }

    private void Greet()
    {
        Span<byte> hello = stackalloc byte[HelloBytes];
        _channel.Receive(hello, ServiceTag.Hello, out int length, out FileDescriptor? file);
        file?.Dispose();
        int lowest = BinaryPrimitives.ReadUInt16BigEndian(hello[4..]);
        int highest = BinaryPrimitives.ReadUInt16BigEndian(hello[6..]);
        uint flags = BinaryPrimitives.ReadUInt32BigEndian(hello[8..]);
        if (length != HelloBytes || lowest > highest || (flags & ~(AllowOtherFlag | FuseBlockFlag)) != 0)
        {
            throw new FuseException(Errno.BadMessage, "the mount helper's greeting is malformed");
        }
        if (lowest > ProtocolVersion || highest < ProtocolVersion)
        {
            throw new FuseException(Errno.Protocol,
                $"the mount helper speaks versions {lowest} to {highest}, not {ProtocolVersion}");
        }
        MayAllowOther = (flags & AllowOtherFlag) != 0;
        _channel.Send(ServiceTag.HelloReply, [ProtocolVersion << 16]);
    }

    private void TakeArguments()
    {
        Errno error = _channel.ReceiveFile("argv", out FileDescriptor? file);
        if (error != Errno.Ok)
        {
            throw new FuseException(error, $"the mount helper sent no arguments: {error}");
        }
        using (file)
        {
            Arguments = ArgumentFile.Read(file!);
        }
    }
}
