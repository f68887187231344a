using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Protocol;

/// <summary>Each rule of section 6.2 for a reply to BEGIN, broken by one field: its number comes up and the caller gets
/// EFSCORRUPTED. Both revisions, each slot where the rule is about both.</summary>
public sealed class RuleTests
{
    private const ulong Null = ulong.MaxValue;
    private const long EUCLEAN = -(long)Errno.EUCLEAN;

    public static TheoryData<string, string> Cases() => new()
    {
        { "type", "6.2/1" }, { "flags", "6.2/1" }, { "write type", "6.2/1" }, { "length 0", "6.2/2" },
        { "offset", "6.2/2" }, { "length", "6.2/2" }, { "overflow", "6.2/2" }, { "beyond", "6.2/2" },
        { "write length", "6.2/2" }, { "mapped device 0", "6.2/3" }, { "mapped null", "6.2/3" },
        { "hole device", "6.2/4" }, { "hole address", "6.2/4" }, { "delalloc address", "6.2/4" },
        { "pure read", "6.2/5" }, { "pure device", "6.2/5" }, { "pure address", "6.2/5" },
        { "retry", "6.2/6" }, { "retry device", "6.2/6" }, { "nocache flags", "6.2/6" }, { "address overflow", "6.2/7" },
        { "nocache", "6.2/8" }, { "beside", "6.2/9" }, { "write beside", "6.2/9" }, { "device", "6.2/11" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_broken_field_on_v8(string what, string rule) => Try(TwinOptions.V8, what, rule);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_broken_field_on_v9(string what, string rule) => Try(TwinOptions.V9, what, rule);

    [Fact]
    public void Flags_of_pure_overwrite_matter_on_v9_only()
    {
        Assert.Equal(4096, Write(TwinOptions.V8, (ref IomapWire.BeginOut answer) => answer.Write.Flags = 1, out _));
        Assert.Equal(EUCLEAN, Write(TwinOptions.V9, (ref IomapWire.BeginOut answer) => answer.Write.Flags = 1,
            out string number));
        Assert.Equal(RuleBook.PureOverwrite.Number, number);
    }

    [Fact]
    public void A_report_cannot_be_retried_on_v9()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true },
            TwinOptions.V9 with { IsStrict = false });
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pread(fd, new byte[10], 0);
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            answer.Read.Type = Revision.V9.RetryCache;
            (answer.Read.Address, answer.Read.Device) = (Null, 0);
            return answer;
        };
        Assert.Equal(EUCLEAN, mounted.User.Fiemap(fd, 0, 4096).Error);
        Assert.Equal(RuleBook.RetryUncached, mounted.Kernel.Rules.Violations[^1].Rule);
    }

    [Fact]
    public void A_leased_block_is_not_handed_out()
    {
        using var mounted = new Mounted(options: TwinOptions.V8 with { IsStrict = false });
        mounted.User.Close(mounted.Written("/swap", 1 << 20));
        ulong leased = (ulong)mounted.Volume.Nodes.Values.Single(node => node.IsRegular).Blocks[3].Device * 4096;
        Assert.True(mounted.User.SwapOn("/swap") >= 0);
        long fd = mounted.Create("/other");
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            answer.Read.Address = leased;
            return answer;
        };
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        Assert.Contains(mounted.Kernel.Rules.Violations, broken => broken.Rule == RuleBook.SwapLease);
    }

    [Fact]
    public void A_message_whose_length_is_wrong()
    {
        using var mounted = new Mounted(options: TwinOptions.V8 with { IsStrict = false });
        byte[] message = WireBytes.Of(new HeaderWire.ReplyHead { Length = 20, Unique = 2 });
        Assert.Equal(-(int)Errno.EINVAL, mounted.Kernel.Device.Write(message));
        Assert.Equal(RuleBook.ReplyLength, mounted.Kernel.Rules.Violations[^1].Rule);
        message = WireBytes.Of(new HeaderWire.ReplyHead { Length = 16, Unique = 999_998 });
        Assert.Equal(-(int)Errno.ENOENT, mounted.Kernel.Device.Write(message));
        Assert.Equal(RuleBook.ReplyUnique, mounted.Kernel.Rules.Violations[^1].Rule);
    }

    [Fact]
    public void Rules_have_numbers_of_their_own()
    {
        Assert.Equal(RuleBook.All.Count, RuleBook.All.Select(rule => rule.Number).Distinct().Count());
        Assert.All(RuleBook.All, rule => Assert.NotEmpty(rule.Text));
    }

    private delegate void Spoil(ref IomapWire.BeginOut answer);

    private static void Try(TwinOptions options, string what, string rule)
    {
        long result = Write(options, (ref IomapWire.BeginOut answer) => Break(options.Revision, what, ref answer),
            out string number);
        Assert.Equal((rule, EUCLEAN), (number, result));
    }

    private static long Write(TwinOptions options, Spoil spoil, out string number)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MaxBytes = 1L << 40 }, options with { IsStrict = false });
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            spoil(ref answer);
            return answer;
        };
        long result = mounted.User.Pwrite(fd, new byte[4096], 0);
        number = mounted.Kernel.Rules.Violations.Count > 0 ? mounted.Kernel.Rules.Violations[0].Rule.Number : "";
        return result;
    }

    private static void Break(Revision revision, string what, ref IomapWire.BeginOut answer)
    {
        ref IomapWire.Record read = ref answer.Read;
        switch (what)
        {
            case "type": read.Type = 99; break;
            case "flags": read.Flags = 0x100; break;
            case "write type": answer.Write.Type = 99; break;
            case "length 0": read.Length = 0; break;
            case "offset": read.Offset = 100; break;
            case "length": read.Length = 100; break;
            case "overflow": (read.Offset, read.Length) = (4096, ulong.MaxValue - 4095); break;
            case "beyond": read.Offset = 1UL << 40; break;
            case "write length": answer.Write.Length = 100; break;
            case "mapped device 0": read.Device = 0; break;
            case "mapped null": read.Address = Null; break;
            case "hole device": (read.Type, read.Address) = (0, Null); break;
            case "hole address": (read.Type, read.Address, read.Device) = (0, 0, 0); break;
            case "delalloc address": (read.Type, read.Address, read.Device) = (1, 0, 0); break;
            case "pure read": read = answer.Write; break;
            case "pure device": answer.Write.Device = 1; break;
            case "pure address": answer.Write.Address = 0; break;
            case "retry": read = answer.Write with { Type = revision.RetryCache }; break;
            case "retry device": read = answer.Write with { Type = revision.RetryCache, Device = 1 }; break;
            case "nocache flags": answer.Write = answer.Write with { Type = revision.NoCache, Flags = 1 }; break;
            case "address overflow": read.Address = ulong.MaxValue - 4095; break;
            case "nocache": answer.Write.Type = revision.NoCache; break;
            case "beside": read.Offset = 8192; break;
            case "write beside": answer.Write.Offset = 8192; break;
            case "device": read.Device = 77; break;
        }
    }
}
