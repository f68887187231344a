using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Wire;
using Fuse4fs.Linux;
using Xunit;
using Errno = Fuse4fs.Linux.Errno;
using InitFlags = Fuse4fs.Fuse.Wire.InitFlags;
using Opcode = Fuse4fs.Fuse.Wire.Opcode;
using TwinErrno = Fuse4fs.KernelTwin.Wire.Errno;

namespace Fuse4fs.Iomap.Tests.Protocol;

/// <summary>Which kernels are served with block mappings, and that all others are served without.</summary>
public sealed class NegotiationTests
{
    private const InitFlags Wanted = CapabilityRequest.OwnedData;

    [Fact]
    public void A_v8_kernel_is_known_as_v8() => Assert.Same(IomapRevision.V8, Mount(TwinOptions.V8).Connection!.Revision);

    [Fact]
    public void A_v9_kernel_is_known_as_v9() => Assert.Same(IomapRevision.V9, Mount(TwinOptions.V9).Connection!.Revision);

    [Fact]
    public void Whoever_cannot_use_it_is_served_without()
    {
        (Capabilities agreed, _, string? refusal) = Mount(TwinOptions.V9 with { IsIomapEnabled = false });
        Assert.Null(agreed.Iomap);
        Assert.Equal(Capabilities.NewestMinor, agreed.Minor);
        Assert.True(agreed.Has(InitFlags.WriteBackCache));
        Assert.Equal("the kernel does not offer them", refusal);
    }

    [Fact]
    public void A_permitted_descriptor_is_enough()
    {
        (Capabilities agreed, _, _) = Mount(TwinOptions.V8 with { MounterHasRawIo = false }, isPermitted: true);
        Assert.NotNull(agreed.Iomap);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_harms_with_mappings_is_not_asked_for(bool isV9)
    {
        (Capabilities agreed, _, _) = Mount(isV9 ? TwinOptions.V9 : TwinOptions.V8);
        Assert.Equal(Capabilities.IomapMinor, agreed.Minor);
        Assert.Equal(InitFlags.Iomap | InitFlags.PosixAcl, agreed.Flags & (InitFlags.Iomap | InitFlags.PosixAcl
            | InitFlags.DontMask | InitFlags.WriteBackCache | InitFlags.OverIoUring));
    }

    [Theory]
    [InlineData(0x3F, Errno.NotTerminal, Errno.NoEntry)]
    [InlineData(0xFF, Errno.Invalid, Errno.NoEntry)]
    [InlineData(0x7F, Errno.NotPermitted, Errno.NoEntry)]
    [InlineData(0x7F, Errno.NotTerminal, Errno.NotTerminal)]
    public void A_revision_nobody_knows_is_served_without(ulong items, Errno stripes, Errno blockSize)
    {
        var kernel = new QueueKernel { StripeAnswer = stripes, BlockSizeAnswer = blockSize };
        kernel.EnqueueStart((IomapConfigItems)items);
        var handler = new ScriptedHandler();
        using var session = new FuseSession(kernel, handler, Options(new ScriptedIomap()));
        session.Start();
        kernel.End();
        Assert.Equal(Errno.NotImplemented, kernel.ErrorOf(4));
        Assert.Null(handler.Agreed!.Iomap);
        Assert.StartsWith("a revision we do not know", session.IomapRefusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(98u)]
    [InlineData(46u)]
    [InlineData(100u)]
    public void The_bit_means_something_else_in_other_versions(uint minor)
    {
        var kernel = new QueueKernel();
        kernel.EnqueueStart(minor: minor);
        kernel.End();
        var handler = new ScriptedHandler();
        using var session = new FuseSession(kernel, handler, Options(new ScriptedIomap()));
        session.Start();
        Assert.False(handler.Agreed!.Has(InitFlags.Iomap));
        InitOut answer = kernel.BodyOf<InitOut>(2);
        Assert.Equal((Capabilities.NewestMinor, 0u), (answer.Minor, answer.Flags2 & 0x800));
    }

    [Fact]
    public void A_kernel_that_does_not_permit_is_served_without()
    {
        var kernel = new QueueKernel { Support = 0 };
        kernel.EnqueueStart();
        kernel.End();
        var handler = new ScriptedHandler();
        using var session = new FuseSession(kernel, handler, Options(new ScriptedIomap()));
        session.Start();
        Assert.False(handler.Agreed!.Has(InitFlags.Iomap));
        Assert.Equal("the kernel does not permit them", session.IomapRefusal);
    }

    [Fact]
    public void Without_a_handler_nothing_is_probed_and_nothing_accepted()
    {
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        kernel.End();
        var handler = new ScriptedHandler();
        using var session = new FuseSession(kernel, handler, new SessionOptions());
        session.Start();
        Assert.False(handler.Agreed!.Has(InitFlags.Iomap));
        Assert.Null(session.IomapRefusal);
    }

    [Fact]
    public void The_file_system_can_refuse_the_mount()
    {
        var script = new ScriptedIomap
        {
            OnConfigure = static (IomapConnection _, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration { BlockSizeBytes = 4096 };
                return Errno.NoDevice;
            },
        };
        Assert.Equal(Errno.NoDevice, StartFails(script).Error);
    }

    [Theory]
    [InlineData(3000)]
    [InlineData(256)]
    [InlineData(131072)]
    public void A_configuration_the_kernel_would_refuse_is_not_sent(int blockSize)
    {
        var script = new ScriptedIomap
        {
            OnConfigure = (IomapConnection _, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration { BlockSizeBytes = blockSize };
                return Errno.Ok;
            },
        };
        Assert.Equal(Errno.InputOutput, StartFails(script).Error);
    }

    [Fact]
    public void The_file_system_can_go_on_without()
    {
        var script = new ScriptedIomap
        {
            OnConfigure = static (IomapConnection _, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration { BlockSizeBytes = 4096 };
                return Errno.NotImplemented;
            },
        };
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        kernel.End();
        var handler = new ScriptedHandler();
        using var session = new FuseSession(kernel, handler, Options(script));
        session.Start();
        Assert.Equal(Errno.NotImplemented, kernel.ErrorOf(4));
        Assert.Null(handler.Agreed!.Iomap);
    }

    [Theory]
    [InlineData(0, 262144 / 32)]
    [InlineData(100, 256 / 32)]
    [InlineData(1 << 20, (1 << 20) / 32)]
    [InlineData(1 << 30, (2 << 20) / 32)]
    public void The_limit_of_cached_mappings_is_the_kernels(uint asked, int mappings)
    {
        var script = new ScriptedIomap
        {
            OnConfigure = (IomapConnection _, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration { BlockSizeBytes = 1024, CacheBytes = asked };
                return Errno.Ok;
            },
        };
        (_, IomapConnection? connection, _) = Mount(TwinOptions.V9, script: script);
        Assert.Equal((mappings, 1024), (connection!.CachedMappingsPerFile, connection.BlockSizeBytes));
        Assert.Equal(0, connection.MaxFileBytes % 1024);
    }

    [Fact]
    public void Configuration_reaches_the_kernel_field_by_field()
    {
        var script = new ScriptedIomap
        {
            OnConfigure = static (IomapConnection _, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration
                {
                    BlockSizeBytes = 2048,
                    Name = "a name that is longer than the kernel has room for",
                    Uuid = new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
                    MaxLinks = 65000,
                    Times = new TimeLimits(1, -(1L << 31), (1L << 34) - 1),
                    MaxFileBytes = (1L << 44) - 1,
                    CacheBytes = 1 << 21,
                };
                return Errno.Ok;
            },
        };
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        kernel.End();
        using var session = new FuseSession(kernel, new ScriptedHandler(), Options(script));
        session.Start();
        IomapConfigOut answer = kernel.BodyOf<IomapConfigOut>(4);
        Assert.Equal(IomapConfigItems.All, answer.Items);
        Assert.Equal((2048u, 65000u, 1u), (answer.BlockSize, answer.MaxLinks, answer.TimeGranularity));
        Assert.Equal((-(1L << 31), (1L << 34) - 1), (answer.TimeMin, answer.TimeMax));
        Assert.Equal(((1L << 44) - 2048, 1u << 21), (answer.MaxBytes, answer.CacheMaxBytes));
        Assert.Equal((16, 0, 0, 0), (answer.UuidLength, answer.Padding0, answer.Padding1, answer.Padding2));
        Assert.Equal((16, 0), (answer.Uuid[15], answer.Name[31]));
        Assert.Equal((byte)'a', answer.Name[0]);
    }

    private static SessionOptions Options(IomapHandler iomap) => new()
    {
        Iomap = iomap,
        Capabilities = new CapabilityRequest { Flags = Wanted, MaxWriteBytes = 1 << 16 },
    };

    private static FuseException StartFails(IomapHandler iomap)
    {
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        kernel.End();
        using var session = new FuseSession(kernel, new ScriptedHandler(), Options(iomap));
        FuseException failure = Assert.Throws<FuseException>(session.Start);
        Assert.Equal(failure.Error, kernel.ErrorOf(4));
        return failure;
    }

    private static (Capabilities Agreed, IomapConnection? Connection, string? Refusal) Mount(
        TwinOptions options, bool isPermitted = false, ScriptedIomap? script = null)
    {
        var handler = new ScriptedHandler();
        using var kernel = new TwinKernel(options);
        if (isPermitted)
        {
            Assert.Equal(Errno.Ok, IomapIoctls.Permit(new TwinTransport(kernel.Device)));
        }
        Assert.Equal(Errno.Ok, IomapIoctls.MountSynchronously(new TwinTransport(kernel.Device)));
        var server = new ThreadedServer(handler, Options(script ?? new ScriptedIomap()));
        kernel.Attach(server);
        Assert.Equal(TwinErrno.Ok, kernel.Mount());
        server.WaitForStart();
        Assert.Null(server.Failure);
        Assert.Empty(kernel.Rules.Violations);
        string? refusal = server.Session.IomapRefusal;
        IomapConnection? connection = handler.Agreed!.Iomap;
        Assert.Equal(TwinErrno.Ok, kernel.Unmount());
        return (handler.Agreed!, connection, refusal);
    }
}
