using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>The block-mapping side of a file system, in the words of a test.</summary>
internal sealed class ScriptedIomap : IomapHandler
{
    public delegate Errno Configuring(IomapConnection connection, out IomapConfiguration configuration);

    public delegate Errno Beginning(in BeginRequest request, ref BeginReply reply);

    public delegate Errno Completing(in IoEndRequest request, out long sizeBytes);

    public Configuring OnConfigure { get; set; } = static (IomapConnection _, out IomapConfiguration configuration) =>
    {
        configuration = new IomapConfiguration { BlockSizeBytes = 4096 };
        return Errno.Ok;
    };

    public Beginning OnBegin { get; set; } = static (in BeginRequest _, ref BeginReply _) => Errno.NotSupported;

    public Func<EndRequest, Errno> OnEnd { get; set; } = static _ => Errno.Ok;

    public Completing OnComplete { get; set; } = static (in IoEndRequest _, out long sizeBytes) =>
    {
        sizeBytes = 0;
        return Errno.Ok;
    };

    public IomapConnection? Connection { get; private set; }

    public override Errno Configure(IomapConnection connection, out IomapConfiguration configuration)
    {
        Connection = connection;
        return OnConfigure(connection, out configuration);
    }

    public override Errno BeginMapping(in BeginRequest request, ref BeginReply reply) => OnBegin(in request, ref reply);

    public override Errno EndMapping(in EndRequest request) => OnEnd(request);

    public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes) => OnComplete(in request, out sizeBytes);
}
