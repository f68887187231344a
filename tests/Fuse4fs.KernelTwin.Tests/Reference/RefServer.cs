using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>A deliberately naive server: everything in memory, one lock, no journal. It is there to be obviously right,
/// and to be broken in one place at a time.</summary>
internal sealed partial class RefServer(RefVolume volume, RefPolicy policy) : ITwinServer
{
    public const int DeviceDescriptor = 7;
    private const int BufferBytes = 1 << 21;
    private const int HeaderBytes = 40;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly Lock _gate = new();
    private readonly List<Thread> _threads = [];
    private readonly RefExtents _extents = new(volume, policy);
    private readonly List<(IFuseDevice Device, HeaderWire.RequestHead Head, byte[] Body)> _postponed = [];
    private IFuseDevice _device = null!;

    /// <summary>An errno for a request instead of handling it; given opcode and body.</summary>
    public Func<Opcode, byte[], Errno>? Fault { get; set; }

    /// <summary>Changes the answer to a BEGIN; null leaves it.</summary>
    public Func<RefNode, IomapWire.BeginIn, IomapWire.BeginOut, IomapWire.BeginOut?>? OnBegin { get; set; }

    /// <summary>Called inside the handler of a request, after its work, before its answer.</summary>
    public Action<Opcode, RefNode?>? BeforeAnswer { get; set; }

    /// <summary>Requests that are read but not answered until Resume.</summary>
    public Func<Opcode, byte[], bool>? Postpones { get; set; }

    public bool IsPumped => policy.Threads == 0;

    public RefVolume Volume => volume;

    private int BlockSize => volume.BlockSize;

    private Mischief Mischief => policy.Mischief;

    public void Start(IFuseDevice device)
    {
        _device = device;
        for (int index = 0; index < policy.Threads; index++)
        {
            IFuseDevice own = index == 0 ? device : device.Clone();
            var thread = new Thread(() => Serve(own)) { IsBackground = true, Name = $"server {index}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public void PumpOne()
    {
        int length = _device.Read(_buffer);
        if (length > 0)
        {
            Handle(_device, _buffer.AsSpan(0, length).ToArray());
        }
    }

    public void Dispose()
    {
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
    }

    /// <summary>Answers what was postponed.</summary>
    public void Resume()
    {
        var waiting = _postponed.ToArray();
        _postponed.Clear();
        foreach ((IFuseDevice device, HeaderWire.RequestHead head, byte[] body) in waiting)
        {
            Answer(device, head, body);
        }
    }

    public RefNode Node(ulong nodeId) => volume.Nodes[nodeId];

    private void Serve(IFuseDevice device)
    {
        byte[] buffer = new byte[BufferBytes];
        while (true)
        {
            int length = device.Read(buffer);
            if (length == -(int)Errno.ENODEV)
            {
                return;
            }
            if (length > 0)
            {
                Handle(device, buffer.AsSpan(0, length).ToArray());
            }
        }
    }

    private void Handle(IFuseDevice device, byte[] request)
    {
        HeaderWire.RequestHead head = WireBytes.Read<HeaderWire.RequestHead>(request);
        byte[] body = request[HeaderBytes..];
        if (Postpones?.Invoke((Opcode)head.Opcode, body) == true
            || (Mischief == Mischief.DestroyBeforeRelease && (Opcode)head.Opcode == Opcode.Release))
        {
            _postponed.Add((device, head, body));
            return;
        }
        Answer(device, head, body);
    }

    private void Answer(IFuseDevice device, HeaderWire.RequestHead head, byte[] body)
    {
        var opcode = (Opcode)head.Opcode;
        lock (_gate)
        {
            (Errno error, byte[] answer) = (Fault?.Invoke(opcode, body) ?? Errno.Ok, []);
            if (error == Errno.Ok)
            {
                (error, answer) = Dispatch(opcode, head, body);
            }
            if (opcode is Opcode.Forget or Opcode.BatchForget or Opcode.Interrupt)
            {
                return;
            }
            BeforeAnswer?.Invoke(opcode, volume.Nodes.GetValueOrDefault(head.NodeId));
            Reply(device, opcode, head.Unique, error, error == Errno.Ok ? answer : []);
        }
    }

    private void Reply(IFuseDevice device, Opcode opcode, ulong unique, Errno error, byte[] answer)
    {
        if (Mischief == Mischief.ErrorWithBody && error != Errno.Ok)
        {
            answer = new byte[8];
        }
        var head = new HeaderWire.ReplyHead
        {
            Length = (uint)(WireBytes.SizeOf<HeaderWire.ReplyHead>() + answer.Length),
            Error = Mischief == Mischief.PositiveErrno ? (int)error : -(int)error,
            Unique = unique,
        };
        byte[] message = WireBytes.Of(head, answer);
        device.Write(message);
        if (Mischief == Mischief.AnsweredTwice && opcode == Opcode.IomapBegin)
        {
            device.Write(message);
        }
    }

    private (Errno, byte[]) Dispatch(Opcode opcode, HeaderWire.RequestHead head, byte[] body)
    {
        switch (opcode)
        {
            case Opcode.Init:
                return Init();
            case Opcode.IomapConfig:
                return Config();
            case Opcode.Destroy or Opcode.Interrupt or Opcode.FreezeFs or Opcode.UnfreezeFs or Opcode.ShutdownFs:
                return (Errno.Ok, []);
            case Opcode.Syncfs:
                PersistAll();
                return (Errno.Ok, []);
            case Opcode.BatchForget:
                BatchForget(body);
                return (Errno.Ok, []);
            case Opcode.Statfs:
                return Statfs();
        }
        if (!volume.Nodes.TryGetValue(head.NodeId, out RefNode? node))
        {
            return (Errno.ESTALE, []);
        }
        return opcode switch
        {
            Opcode.IomapBegin => Begin(node, WireBytes.Read<IomapWire.BeginIn>(body)),
            Opcode.IomapEnd => End(node, WireBytes.Read<IomapWire.EndIn>(body)),
            Opcode.IomapIoend => Ioend(node, WireBytes.Read<IomapWire.IoendIn>(body)),
            Opcode.Getattr or Opcode.Setattr or Opcode.Statx or Opcode.Getxattr or Opcode.Setxattr or Opcode.Listxattr
                or Opcode.Removexattr or Opcode.Ioctl => Attributes(opcode, node, body),
            Opcode.Open or Opcode.Release or Opcode.Flush or Opcode.Fsync or Opcode.Read or Opcode.Write
                or Opcode.Fallocate or Opcode.CopyFileRange or Opcode.CopyFileRange64 => Files(opcode, node, body),
            _ => Names(opcode, head, node, body),
        };
    }

    private (Errno, byte[]) Init()
    {
        var answer = new SessionWire.InitOut
        {
            Major = 7,
            Minor = Mischief == Mischief.InitWithOldMinor ? 45u : 99,
            MaxReadahead = 131072,
            Flags = (uint)policy.Init,
            Flags2 = (uint)((ulong)policy.Init >> 32),
            MaxWrite = 1 << 20,
            TimeGranularity = 1,
            MaxPages = 256,
        };
        return (Errno.Ok, WireBytes.Of(answer));
    }

    private (Errno, byte[]) Config()
    {
        var map = new IoctlWire.BackingMap { Descriptor = DeviceDescriptor, Flags = 1 };
        byte[] argument = WireBytes.Of(map);
        int id = _device.Ioctl((uint)DeviceIoctl.BackingOpen, argument);
        if (id != 1)
        {
            return (Errno.EIO, []);
        }
        if (Mischief == Mischief.NotifiedTooEarly)
        {
            Notify(NotifyCode.InvalMappings, WireBytes.Of(new IomapWire.Invalidate { NodeId = 1 }));
        }
        var answer = new SessionWire.ConfigOut
        {
            Flags = (ulong)(ConfigFlags.BlockSize
                | (policy.CacheMaxBytes > 0 ? ConfigFlags.CacheMaxBytes : ConfigFlags.None)
                | (policy.MaxBytes > 0 ? ConfigFlags.MaxBytes : ConfigFlags.None)),
            BlockSize = Mischief == Mischief.ConfigWithOddBlockSize ? 3000u : (uint)BlockSize,
            CacheMaxBytes = policy.CacheMaxBytes,
            MaxBytes = policy.MaxBytes,
        };
        return (Errno.Ok, WireBytes.Of(answer));
    }

    private (Errno, byte[]) Statfs()
    {
        var answer = new NameWire.Statfs
        {
            Blocks = (ulong)volume.TotalBlocks,
            FreeBlocks = (ulong)Math.Max(0, volume.FreeBlocks),
            AvailableBlocks = (ulong)Math.Max(0, volume.FreeBlocks),
            Files = (ulong)volume.Nodes.Count,
            BlockSize = (uint)BlockSize,
            FragmentSize = (uint)BlockSize,
            NameLength = 255,
        };
        return (Errno.Ok, WireBytes.Of(answer));
    }

    private void PersistAll()
    {
        foreach (RefNode node in volume.Nodes.Values)
        {
            Persist(node);
        }
    }

    private void Persist(RefNode node)
    {
        if (Mischief != Mischief.FsyncForgetsPendingSize)
        {
            node.PersistPendingSize();
        }
    }

    /// <summary>Sends a notification.</summary>
    /// <returns>0 or a negative errno.</returns>
    internal int Notify(NotifyCode code, byte[] body)
    {
        var head = new HeaderWire.ReplyHead
        {
            Length = (uint)(WireBytes.SizeOf<HeaderWire.ReplyHead>() + body.Length),
            Error = (int)code,
        };
        int result = _device.Write(WireBytes.Of(head, body));
        return result > 0 ? 0 : result;
    }

}
