using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>A file system in the words of a test.</summary>
internal sealed class ScriptedHandler : IRequestHandler
{
    public Func<InHeader, Errno> OnRequest { get; set; } = static _ => Errno.Ok;

    public Capabilities? Agreed { get; private set; }

    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers) => Agreed = capabilities;

    public void Disconnected()
    {
    }

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => OnRequest(header);

    public void Forget(ulong nodeId, ulong lookups)
    {
    }

    public Errno Failed(in InHeader header, Exception exception) => Errno.InputOutput;
}
