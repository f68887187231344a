using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>The beginning of a connection: INIT, then CONFIG where block mappings were accepted. Takes messages one by
/// one and answers them on the transport they came from.</summary>
internal sealed class Handshake(IFuseTransport transport, FuseNotifier notifier, SessionOptions options)
{
    private readonly IomapNegotiation? _iomap = options.Iomap is { } iomap
        ? new IomapNegotiation(transport, iomap, options.Log)
        : null;

    /// <summary>What INIT agreed on; null before.</summary>
    public Capabilities? Agreed { get; private set; }

    /// <summary>Whether all is settled.</summary>
    public bool IsDone { get; private set; }

    /// <summary>For the extension's requests, where block mappings are in force.</summary>
    public IomapDispatcher? Iomap { get; private set; }

    /// <summary>Why they are not.</summary>
    public string? IomapRefusal => _iomap?.Refusal;

    public OperationCounters Counters { get; } = new();

    /// <summary>Takes the next message.</summary>
    /// <exception cref="FuseException">The connection cannot be used.</exception>
    public void Take(ReadOnlySpan<byte> message)
    {
        if (!MemoryMarshal.TryRead(message, out InHeader header) || header.Opcode == Opcode.Interrupt)
        {
            return;
        }
        ReadOnlySpan<byte> body = message[Unsafe.SizeOf<InHeader>()..];
        long start = Stopwatch.GetTimestamp();
        int slot = OperationTable.SlotOf(header.Opcode);
        if (Agreed is null && header.Opcode == Opcode.Init)
        {
            AnswerInit(header.Unique, body);
            if (Agreed is null)
            {
                return;
            }
        }
        else if (Agreed is { } agreed && header.Opcode == Opcode.IomapConfig)
        {
            AnswerConfig(agreed, header.Unique, body);
        }
        else
        {
            _ = Refuse(header.Unique, Errno.InputOutput);
            return;
        }
        Counters.Begin(slot);
        Counters.End(slot, Stopwatch.GetTimestamp() - start, failed: false);
    }

    private void AnswerInit(ulong unique, ReadOnlySpan<byte> body)
    {
        var reader = new RequestReader(body);
        int known = Math.Min(body.Length, Unsafe.SizeOf<InitIn>());
        if (known < InitIn.ShortBytes || !reader.TryTakeShort(known, out InitIn init))
        {
            _ = Refuse(unique, Errno.InputOutput);
            return;
        }
        if (init.Major > Capabilities.Major)
        {
            // The kernel will ask again in our version.
            _ = Reply(unique, new InitOut { Major = Capabilities.Major });
            return;
        }
        if (init.Major < Capabilities.Major || init.Minor < Capabilities.OldestMinor)
        {
            _ = Refuse(unique, Errno.Protocol);
            throw new FuseException(
                Errno.Protocol,
                $"the kernel speaks FUSE {init.Major}.{init.Minor}; at least 7.31 (Linux 5.4) is needed");
        }
        Capabilities agreed = Capabilities.Negotiate(in init, Possible(in init), out InitOut answer);
        Errno error = Reply(unique, answer);
        if (error != Errno.Ok)
        {
            throw new FuseException(error, $"the kernel did not accept the connection: {error}");
        }
        FuseLog.Connected(options.Log, agreed);
        Agreed = agreed;
        if (!agreed.Has(InitFlags.Iomap))
        {
            GoOnWithout();
        }
    }

    /// <summary>Block mappings are added where the kernel has them. Once it is told that we use io_uring it waits for
    /// that: so first see whether we can.</summary>
    private CapabilityRequest Possible(in InitIn kernel)
    {
        CapabilityRequest wanted = options.Capabilities;
        if (_iomap?.Accepts(in kernel) == true)
        {
            return wanted with { Flags = wanted.Flags | InitFlags.Iomap };
        }
        if (!wanted.Flags.HasFlag(InitFlags.OverIoUring))
        {
            return wanted;
        }
        Errno error = transport is FuseDevice ? RingPool.Probe() : Errno.NotSupported;
        if (error == Errno.Ok)
        {
            return wanted;
        }
        FuseLog.NoRings(options.Log, error);
        return wanted with { Flags = wanted.Flags & ~InitFlags.OverIoUring };
    }

    /// <summary>With block mappings accepted in INIT the kernel's next request is CONFIG; it holds back all
    /// others.</summary>
    private void AnswerConfig(Capabilities agreed, ulong unique, ReadOnlySpan<byte> body)
    {
        Errno error;
        IomapConfigOut answer = default;
        IomapConnection? connection = null;
        Exception? cause = null;
        try
        {
            error = _iomap!.Configure(body, notifier, out answer, out connection);
        }
        catch (Exception exception)
        {
            FuseLog.ConfigureFailed(options.Log, exception);
            cause = exception;
            error = Errno.InputOutput;
        }
        Errno sent = error == Errno.Ok ? Reply(unique, answer) : Refuse(unique, error);
        if (error is not (Errno.Ok or Errno.NotImplemented) || sent != Errno.Ok)
        {
            throw new FuseException(
                error is Errno.Ok or Errno.NotImplemented ? sent : error,
                cause?.Message ?? _iomap?.Refusal ?? $"the kernel did not accept the configuration: {sent}");
        }
        if (connection is null)
        {
            GoOnWithout();
            return;
        }
        FuseLog.IomapInForce(options.Log, connection);
        agreed.Iomap = connection;
        Iomap = new IomapDispatcher(options.Iomap!, connection, options.Log);
        IsDone = true;
    }

    private void GoOnWithout()
    {
        if (_iomap?.Refusal is string reason)
        {
            FuseLog.NoIomap(options.Log, reason);
        }
        IsDone = true;
    }

    private Errno Refuse(ulong unique, Errno error)
    {
        var header = new OutHeader { Length = ReplyBuffer.HeaderBytes, Error = -(int)error, Unique = unique };
        return transport.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<OutHeader>(in header)));
    }

    private unsafe Errno Reply<T>(ulong unique, T body) where T : unmanaged
    {
        Span<byte> message = stackalloc byte[ReplyBuffer.HeaderBytes + sizeof(T)];
        var header = new OutHeader { Length = (uint)message.Length, Unique = unique };
        MemoryMarshal.Write(message, in header);
        MemoryMarshal.Write(message[ReplyBuffer.HeaderBytes..], in body);
        return transport.Write(message);
    }
}
