using Fuse4fs.Fuse.Iomap;
using Fuse4fs.KernelTwin;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Protocol;

/// <summary>The two tables against the description's numbers, and our switches against those of the twin, which somebody
/// else derived from the description.</summary>
public sealed class RevisionTests
{
    /// <summary>Kind, on a stripe set, number in v8 and in v9; -1: there is none.</summary>
    public static TheoryData<MappingKind, bool, int, int> Kinds() => new()
    {
        { MappingKind.Hole, false, 0, 0 },
        { MappingKind.Delayed, false, 1, 1 },
        { MappingKind.Written, false, 2, 2 },
        { MappingKind.Unwritten, false, 3, 3 },
        { MappingKind.Inline, false, 4, 4 },
        { MappingKind.PureOverwrite, false, 255, 65535 },
        { MappingKind.NoCache, false, 253, 65533 },
        { MappingKind.Written, true, -1, 65532 },
        { MappingKind.Unwritten, true, -1, 65531 },
        { (MappingKind)7, false, -1, -1 },
        { (MappingKind)8, false, -1, -1 },
        { (MappingKind)10, false, -1, -1 },
        { (MappingKind)255, true, -1, -1 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Kinds_have_the_numbers_of_the_revision(MappingKind kind, bool isStriped, int inV8, int inV9)
    {
        Assert.Equal((inV8 >= 0, (ushort)inV8), (IomapRevision.V8.TryEncode(kind, isStriped, out ushort number), number));
        Assert.Equal((inV9 >= 0, (ushort)inV9), (IomapRevision.V9.TryEncode(kind, isStriped, out number), number));
    }

    [Fact]
    public void Operations_have_the_bits_of_the_revision()
    {
        Check(IomapRevision.V8, 0x80000000, IomapOperation.WriteBack);
        Check(IomapRevision.V9, 0x800, IomapOperation.WriteBack);
        Check(IomapRevision.V8, 0x40000004, IomapOperation.SwapFile | IomapOperation.Report);
        Check(IomapRevision.V9, 0x80000004, IomapOperation.SwapFile | IomapOperation.Report);
        foreach (IomapRevision revision in new[] { IomapRevision.V8, IomapRevision.V9 })
        {
            Check(revision, 0x211, IomapOperation.Write | IomapOperation.Direct | IomapOperation.Atomic);
            Check(revision, 0x5, IomapOperation.Write | IomapOperation.Report);
            Assert.False(revision.TryDecode(0x1000, out _), $"{revision}: 0x1000");
        }
        Assert.False(IomapRevision.V8.TryDecode(0x800, out _), "v8 has no bit 11");
        Assert.False(IomapRevision.V9.TryDecode(0x40000000, out _), "v9 has no bit 30");
    }

    [Fact]
    public void Switches_are_those_of_the_twin()
    {
        foreach ((IomapRevision ours, Quirks theirs) in new[]
        {
            (IomapRevision.V8, Quirks.V8), (IomapRevision.V9, Quirks.V9),
        })
        {
            Assert.Equal(theirs.WritebackEnds, ours.EndsWriteBack);
            Assert.Equal(theirs.WantEndWorks, ours.HonoursWantEnd);
            Assert.Equal(theirs.ReportUsesCache, !ours.ReportsPastCache);
            Assert.Equal(theirs.OpenModeIsChecked, ours.ChecksDeviceMode);
            Assert.Equal(theirs.BackingCloseIsAlwaysBusy, !ours.MayForgetDevices);
            Assert.Equal(theirs.AtomicNeedsAtomicBio, ours.NeedsAtomicDevice);
            Assert.Equal(theirs.RootIsExclusive, ours.IsRootExclusive);
            Assert.Equal(theirs.WritebackIoendErrorIsLost, !ours.KeepsCompletionErrors);
        }
    }

    private static void Check(IomapRevision revision, uint flags, IomapOperation expected)
    {
        Assert.True(revision.TryDecode(flags, out IomapOperation operation), $"{revision}: {flags:x}");
        Assert.Equal(expected, operation);
    }
}
