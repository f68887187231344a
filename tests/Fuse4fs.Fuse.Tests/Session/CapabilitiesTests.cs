using Fuse4fs.Fuse.Wire;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Session;

public sealed class CapabilitiesTests
{
    [Fact]
    public void Only_what_both_want_is_agreed()
    {
        Capabilities agreed = Negotiate(InitFlags.MaxPages | InitFlags.WriteBackCache | InitFlags.AllowIdmap,
            CapabilityRequest.OwnedData, out InitOut reply);
        Assert.Equal(InitFlags.MaxPages | InitFlags.WriteBackCache | InitFlags.InitExtended, agreed.Flags);
        Assert.Equal((ulong)agreed.Flags, reply.Flags | ((ulong)reply.Flags2 << 32));
        Assert.True(agreed.Offered.HasFlag(InitFlags.AllowIdmap));
    }

    [Fact]
    public void Upper_flags_of_a_kernel_without_the_extension_are_garbage()
    {
        var kernel = new InitIn { Major = 7, Minor = 31, Flags = (uint)InitFlags.MaxPages, Flags2 = uint.MaxValue };
        var wanted = new CapabilityRequest { Flags = (InitFlags)ulong.MaxValue };
        Capabilities agreed = Capabilities.Negotiate(in kernel, wanted, out InitOut reply);
        Assert.Equal(InitFlags.MaxPages, agreed.Flags);
        Assert.Equal((31u, 31u, 0u), (agreed.Minor, reply.Minor, reply.Flags2));
    }

    [Fact]
    public void Acls_need_the_servers_umask()
    {
        const InitFlags without = InitFlags.PosixAcl | InitFlags.SetXattrExtended;
        Assert.False(Negotiate(without, without, out _).Has(InitFlags.PosixAcl));
        const InitFlags with = without | InitFlags.DontMask;
        Assert.True(Negotiate(with, with, out _).Has(InitFlags.PosixAcl));
    }

    [Theory]
    [InlineData(InitFlags.MaxPages, 1 << 20, 1 << 20, 256)]
    [InlineData(InitFlags.MaxPages, (1 << 20) + 5, 1 << 20, 256)]
    [InlineData(InitFlags.MaxPages, 100, 4096, 1)]
    [InlineData(InitFlags.None, 1 << 20, 1 << 17, 0)]
    public void Sizes_are_whole_pages_within_what_the_kernel_takes(InitFlags flags, int wanted, int agreed, int pages)
    {
        var kernel = new InitIn { Major = 7, Minor = 45, Flags = (uint)flags };
        var request = new CapabilityRequest { Flags = flags, MaxWriteBytes = wanted };
        Capabilities capabilities = Capabilities.Negotiate(in kernel, request, out InitOut reply);
        Assert.Equal((agreed, agreed, pages), (capabilities.MaxWriteBytes, (int)reply.MaxWrite, (int)reply.MaxPages));
    }

    private static Capabilities Negotiate(InitFlags offered, InitFlags wanted, out InitOut reply)
    {
        var kernel = new InitIn
        {
            Major = 7,
            Minor = 46,
            MaxReadAhead = 1 << 17,
            Flags = (uint)(offered | InitFlags.InitExtended),
            Flags2 = (uint)((ulong)offered >> 32),
        };
        return Capabilities.Negotiate(in kernel, new CapabilityRequest { Flags = wanted }, out reply);
    }
}
