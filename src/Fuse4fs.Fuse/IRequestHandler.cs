using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>A file system as the protocol sees it: bytes in, bytes out. Every member is called by many threads at
/// once, <see cref="Connected"/> and <see cref="Disconnected"/> excepted.</summary>
/// <remarks>For one request: <see cref="Enter"/>, <see cref="Handle"/>, the reply is written, <see cref="Leave"/>,
/// all on one worker's thread.</remarks>
public interface IRequestHandler
{
    /// <summary>Called once, after INIT was negotiated, and block mappings where they are used; before any other
    /// request is read.</summary>
    /// <param name="capabilities">What was agreed on.</param>
    /// <param name="notifier">Sends notifications; see there for what must not be held meanwhile.</param>
    /// <param name="maxWorkers">Worker indices are below this.</param>
    void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers);

    /// <summary>Called once, after the last worker has left.</summary>
    void Disconnected();

    /// <summary>Handles one request of any kind but INIT, FORGET, BATCH_FORGET, INTERRUPT.</summary>
    /// <param name="header">Its header; checked: the length is right, the structure of the opcode fits.</param>
    /// <param name="body">What follows the header.</param>
    /// <param name="reply">Where the answer goes. Dropped unless the result is Ok.</param>
    /// <returns>The answer's error. NotImplemented for what the file system does not offer (the kernel then stops
    /// asking, for some opcodes). Meaningless after <see cref="ReplyWriter.Defer"/>.</returns>
    Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply);

    /// <summary>The kernel gives back lookups of a node: FORGET, or one element of BATCH_FORGET. No reply.</summary>
    void Forget(ulong nodeId, ulong lookups);

    /// <summary>The one place where exceptions of <see cref="Handle"/> and <see cref="Forget"/> end: logs it, does what
    /// the file system's rules ask, says what to answer. The server goes on whatever it was.</summary>
    Errno Failed(in InHeader header, Exception exception);

    /// <summary>A caller lost patience with a request under way (it got a signal). Only what waits long need look;
    /// the request is still to be answered, usually with Interrupted.</summary>
    void Interrupted(ulong unique)
    {
    }

    /// <summary>A worker takes up a request.</summary>
    void Enter(int worker)
    {
    }

    /// <summary>The worker is done with it, its reply is written: memory the reply pointed to may go now.</summary>
    void Leave(int worker)
    {
    }
}
