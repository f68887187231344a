using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Finds out whether the kernel has block mappings for us and of which revision, and answers its CONFIG.</summary>
/// <remarks>The numbers are provisional and will change again: whatever is not exactly what we know is not used.</remarks>
internal sealed class IomapNegotiation(IFuseTransport transport, IomapHandler handler, ILogger log)
{
    /// <summary>Why block mappings are not in force; null: they are.</summary>
    public string? Refusal { get; private set; } = "the kernel does not offer them";

    private bool _hasAtomicWrites;

    /// <summary>Before INIT is answered: whether to accept.</summary>
    public bool Accepts(in InitIn kernel)
    {
        InitFlags offered = (InitFlags)(kernel.Flags | ((ulong)kernel.Flags2 << 32));
        if (kernel.Minor != Capabilities.IomapMinor || (kernel.Flags & (uint)InitFlags.InitExtended) == 0
            || (offered & InitFlags.Iomap) == 0)
        {
            return false;
        }
        Errno error = IomapIoctls.TryGetSupport(transport, out ulong support);
        if (error != Errno.Ok || (support & IomapSupport.FileIo) == 0)
        {
            Refusal = error == Errno.Ok ? "the kernel does not permit them" : $"the kernel does not tell of them: {error}";
            return false;
        }
        _hasAtomicWrites = (support & IomapSupport.AtomicWrites) != 0;
        return true;
    }

    /// <summary>Handles CONFIG.</summary>
    /// <param name="body">What follows the header.</param>
    /// <param name="notifier">For the connection.</param>
    /// <param name="answer">The reply's body when the result is Ok.</param>
    /// <param name="connection">Null when the mount goes on without block mappings.</param>
    /// <returns>NotImplemented: go on without. Any other error makes the mount fail.</returns>
    public Errno Configure(
        ReadOnlySpan<byte> body, FuseNotifier notifier, out IomapConfigOut answer, out IomapConnection? connection)
    {
        answer = default;
        connection = null;
        if (!TryFindRevision(body, out IomapRevision? revision, out IomapConfigIn kernel))
        {
            return Errno.NotImplemented;
        }
        var limits = new IomapLimits(kernel.MaxBytes, kernel.CacheMaxBytes);
        var candidate = new IomapConnection(transport, notifier, revision!, limits, _hasAtomicWrites, log);
        Errno error = handler.Configure(candidate, out IomapConfiguration configuration);
        if (error != Errno.Ok)
        {
            Refusal = $"the file system refuses: {error}";
            return error;
        }
        answer = Encode(configuration, limits);
        candidate.Settle(configuration);
        connection = candidate;
        Refusal = null;
        return Errno.Ok;
    }

    private bool TryFindRevision(ReadOnlySpan<byte> body, out IomapRevision? revision, out IomapConfigIn kernel)
    {
        revision = null;
        kernel = default;
        if (body.Length != Unsafe.SizeOf<IomapConfigIn>())
        {
            Refusal = $"a revision we do not know: IOMAP_CONFIG has {body.Length} bytes";
            return false;
        }
        kernel = MemoryMarshal.Read<IomapConfigIn>(body);
        if (kernel.Known != IomapConfigItems.All || kernel.MaxBytes <= 0)
        {
            Refusal = $"a revision we do not know: IOMAP_CONFIG has flags {(ulong)kernel.Known:X}";
            return false;
        }
        Errno sized = IomapIoctls.TrySetBlockSize(transport, BackingId.None, 0);
        Errno striped = IomapIoctls.TryStripe(transport, 0, [], out _);
        revision = (sized, striped) switch
        {
            (Errno.NotTerminal, _) => null,
            (_, Errno.NotTerminal) => IomapRevision.V8,
            (_, Errno.Invalid) => IomapRevision.V9,
            _ => null,
        };
        if (revision is null)
        {
            Refusal = $"a revision we do not know: the ioctls that tell say {sized} and {striped}";
        }
        return revision is not null;
    }

    /// <exception cref="ArgumentException">A value the kernel would refuse.</exception>
    private static IomapConfigOut Encode(IomapConfiguration configuration, IomapLimits kernel)
    {
        const int leastBlock = 512;
        const int mostBlock = 65536;
        const int mostUuidBytes = 16;
        const int mostNameBytes = 31;
        const uint second = 1_000_000_000;
        bool isBlockGood = int.IsPow2(configuration.BlockSizeBytes)
            && configuration.BlockSizeBytes is >= leastBlock and <= mostBlock;
        bool areTimesGood = configuration.Times is not { } times
            || (times.GranularityNanoseconds is >= 1 and <= second && times.EarliestSeconds <= times.LatestSeconds);
        if (!isBlockGood || !areTimesGood || configuration.Uuid.Length > mostUuidBytes || configuration.MaxFileBytes < 0)
        {
            throw new ArgumentException($"the kernel would refuse {configuration}", nameof(configuration));
        }
        var answer = new IomapConfigOut
        {
            Items = IomapConfigItems.BlockSize | IomapConfigItems.MaxBytes,
            BlockSize = (uint)configuration.BlockSizeBytes,
            MaxBytes = configuration.MaxFileBytesFor(kernel),
            MaxLinks = configuration.MaxLinks,
            CacheMaxBytes = configuration.CacheBytes,
        };
        answer.Items |= configuration.MaxLinks != 0 ? IomapConfigItems.MaxLinks : 0;
        answer.Items |= configuration.CacheBytes != 0 ? IomapConfigItems.CacheMaxBytes : 0;
        if (configuration.Name is string name)
        {
            answer.Items |= IomapConfigItems.Name;
            ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(name);
            bytes[..Math.Min(bytes.Length, mostNameBytes)].CopyTo(answer.Name);
        }
        if (!configuration.Uuid.IsEmpty)
        {
            answer.Items |= IomapConfigItems.Uuid;
            answer.UuidLength = (byte)configuration.Uuid.Length;
            configuration.Uuid.Span.CopyTo(answer.Uuid);
        }
        if (configuration.Times is { } limits)
        {
            answer.Items |= IomapConfigItems.Time;
            (answer.TimeGranularity, answer.TimeMin, answer.TimeMax)
                = (limits.GranularityNanoseconds, limits.EarliestSeconds, limits.LatestSeconds);
        }
        return answer;
    }
}
