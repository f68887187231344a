using System.Runtime.CompilerServices;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>What differs between the revisions of fuse-iomap that were posted: the numbers, and what the kernel does.</summary>
/// <remarks>All of them call themselves 7.99; <see cref="IomapNegotiation"/> finds out which one it is.</remarks>
public sealed class IomapRevision
{
    private const uint WriteBackOfV9 = 1u << 11;
    private const uint SwapFileOfV9 = 1u << 31;
    private const uint WriteBackOfV8 = 1u << 31;
    private const uint SwapFileOfV8 = 1u << 30;

    /// <summary>Numbers of the kinds that all revisions share.</summary>
    private const ushort Hole = 0, Delayed = 1, Written = 2, Unwritten = 3, Inline = 4;

    /// <summary>More than there are kinds.</summary>
    private const int Kinds = 8;

    /// <summary>No number: the revision does not have the kind.</summary>
    private const int Missing = -1;

    /// <summary>Posted in April 2026.</summary>
    public static IomapRevision V8 { get; } = new()
    {
        Name = "v8",
        Numbers = NumbersOf(pureOverwrite: 255, noCache: 253),
        WriteBack = WriteBackOfV8,
        SwapFile = SwapFileOfV8,
    };

    /// <summary>Posted in May 2026.</summary>
    public static IomapRevision V9 { get; } = new()
    {
        Name = "v9",
        Numbers = NumbersOf(pureOverwrite: 65535, noCache: 65533, stripedWritten: 65532, stripedUnwritten: 65531),
        WriteBack = WriteBackOfV9,
        SwapFile = SwapFileOfV9,
        HasStripes = true,
        EndsWriteBack = true,
        HonoursWantEnd = true,
        ReportsPastCache = true,
        ChecksDeviceMode = true,
        MayForgetDevices = true,
        NeedsAtomicDevice = true,
        IsRootExclusive = true,
        KeepsCompletionErrors = true,
    };

    private IomapRevision()
    {
    }

    /// <summary>As people call it.</summary>
    public required string Name { get; init; }

    /// <summary>STRIPE_CONFIG and mappings to stripe sets.</summary>
    public bool HasStripes { get; private init; }

    /// <summary>Every BEGIN of write-back is followed by an END with nothing written.</summary>
    public bool EndsWriteBack { get; private init; }

    /// <summary><see cref="MappingFlags.WantEnd"/> has an effect.</summary>
    public bool HonoursWantEnd { get; private init; }

    /// <summary><see cref="IomapOperation.Report"/> does not use cached mappings.</summary>
    public bool ReportsPastCache { get; private init; }

    /// <summary>A device that was registered read-only is not written to.</summary>
    public bool ChecksDeviceMode { get; private init; }

    /// <summary>A device can be given back while no file is in the kernel's memory; else never before the end.</summary>
    public bool MayForgetDevices { get; private init; }

    /// <summary>Atomic writes fail without <see cref="MappingFlags.AtomicDevice"/>.</summary>
    public bool NeedsAtomicDevice { get; private init; }

    /// <summary>The kernel treats the root directory as exclusive: it applies the umask and default ACLs there, too.</summary>
    public bool IsRootExclusive { get; private init; }

    /// <summary>The kernel itself tells the next FSYNC of an error that a completion of write-back was answered with; else
    /// nobody hears of it.</summary>
    public bool KeepsCompletionErrors { get; private init; }

    /// <summary>By kind; then once more, as they are on stripe sets.</summary>
    private int[] Numbers { get; init; } = [];

    private uint WriteBack { get; init; }

    private uint SwapFile { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The number of a kind.</summary>
    /// <returns>False when this revision has none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEncode(MappingKind kind, bool isStriped, out ushort number)
    {
        int found = (int)kind < Kinds ? Numbers[PlaceOf(kind, isStriped)] : Missing;
        number = (ushort)found;
        return found != Missing;
    }

    /// <summary>The kernel's flags in the numbers of <see cref="IomapOperation"/>.</summary>
    /// <returns>False when there is one that this revision does not have: what it asks for is unknown.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryDecode(uint flags, out IomapOperation operation)
    {
        const IomapOperation moved = IomapOperation.WriteBack | IomapOperation.SwapFile;
        uint common = flags & ~(WriteBack | SwapFile);
        operation = (IomapOperation)common
            | ((flags & WriteBack) != 0 ? IomapOperation.WriteBack : IomapOperation.None)
            | ((flags & SwapFile) != 0 ? IomapOperation.SwapFile : IomapOperation.None);
        return ((IomapOperation)common & ~(IomapOperation.Known & ~moved)) == 0;
    }

    /// <summary>Whether an operation asks the server although the mapping is cached: then nothing is gained by uploading
    /// it.</summary>
    public bool IsPastCache(IomapOperation operation)
        => (operation & (IomapOperation.Atomic | IomapOperation.SwapFile)) != 0
            || (ReportsPastCache && (operation & IomapOperation.Report) != 0);

    /// <summary>The number of a kind that this revision has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ushort NumberOf(MappingKind kind, bool isStriped) => (ushort)Numbers[PlaceOf(kind, isStriped)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PlaceOf(MappingKind kind, bool isStriped)
    {
        int place = (int)kind;
        if (isStriped)
        {
            place += Kinds;
        }
        return place;
    }

    private static int[] NumbersOf(
        int pureOverwrite, int noCache, int stripedWritten = Missing, int stripedUnwritten = Missing)
    {
        int[] numbers = new int[2 * Kinds];
        Array.Fill(numbers, Missing);
        numbers[(int)MappingKind.Hole] = Hole;
        numbers[(int)MappingKind.Delayed] = Delayed;
        numbers[(int)MappingKind.Written] = Written;
        numbers[(int)MappingKind.Unwritten] = Unwritten;
        numbers[(int)MappingKind.Inline] = Inline;
        numbers[(int)MappingKind.PureOverwrite] = pureOverwrite;
        numbers[(int)MappingKind.NoCache] = noCache;
        numbers.AsSpan(0, Kinds).CopyTo(numbers.AsSpan(Kinds));
        numbers[Kinds + (int)MappingKind.Written] = stripedWritten;
        numbers[Kinds + (int)MappingKind.Unwritten] = stripedUnwritten;
        return numbers;
    }
}
