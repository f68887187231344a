using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>The block-mapping side of a file system whose data the kernel moves itself. Beside an
/// <see cref="IRequestHandler"/>, which keeps all other requests; set in <see cref="SessionOptions.Iomap"/>.</summary>
/// <remarks>
/// <para>BeginMapping, EndMapping and CompleteIo are called by many threads at once, bracketed by <see cref="IRequestHandler.Enter"/> and
/// <see cref="IRequestHandler.Leave"/> as every request; what they throw ends in <see cref="IRequestHandler.Failed"/>.</para>
/// <para>They may be what frees the last memory of the machine: on the way of <see cref="IomapOperation.WriteBack"/> and of
/// completions nothing may be allocated, no lock waited for whose holder waits for the kernel, and never a request that
/// is still to come. Threads for these are kept free (<see cref="SessionOptions.ReservedWorkers"/>).</para>
/// </remarks>
public abstract class IomapHandler
{
    /// <summary>IOMAP_CONFIG: once, before any other request and before <see cref="IRequestHandler.Connected"/>. The
    /// place to register devices.</summary>
    /// <param name="connection">Valid to the end of the session. Notifications are refused until this has been
    /// answered.</param>
    /// <param name="configuration">What to tell the kernel.</param>
    /// <returns>NotImplemented: the mount goes on without mappings. Any other error makes it fail.</returns>
    public abstract Errno Configure(IomapConnection connection, out IomapConfiguration configuration);

    /// <summary>IOMAP_BEGIN: says where a range lies, after having reserved or allocated what the operation needs.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="reply">The mapping around its offset: whole extents are best. Counts when the result is Ok.</param>
    /// <returns>Goes to the caller. NotImplemented for direct I/O: do it buffered; for Report: use SEEK.</returns>
    public abstract Errno BeginMapping(in BeginRequest request, ref BeginReply reply);

    /// <summary>IOMAP_END: the kernel is done with a mapping.</summary>
    /// <returns>NotImplemented: it never asks again, in this whole mount.</returns>
    public virtual Errno EndMapping(in EndRequest request) => Errno.Ok;

    /// <summary>IOMAP_IOEND: converts what was unwritten, grows the size, both persistently enough for a later
    /// FSYNC.</summary>
    /// <param name="request">What was written.</param>
    /// <param name="sizeBytes">The size that is now stored.</param>
    /// <returns>An error reaches the caller of a direct write; that of write-back is lost: keep it for FSYNC.</returns>
    public abstract Errno CompleteIo(in IoEndRequest request, out long sizeBytes);

    /// <summary>IOMAP_IOEND without an error, for who joins completions: many come at once, and neighbours are cheaper
    /// together.</summary>
    /// <param name="request">What was written.</param>
    /// <param name="reply">To be answered, now or later, if this returns true.</param>
    /// <returns>False: <see cref="CompleteIo"/> is called.</returns>
    public virtual bool TryJoin(in IoEndRequest request, DeferredIoEnd reply) => false;

    /// <summary>FREEZE_FS: nobody writes any more, all data is written, SYNCFS was answered. Brings the storage to a clean
    /// state; until <see cref="Thaw"/> nothing may be written to it.</summary>
    /// <param name="unlinkedInodes">How many inodes without a name are still alive in the kernel.</param>
    public virtual Errno Freeze(ulong unlinkedInodes) => Errno.NotImplemented;

    /// <summary>UNFREEZE_FS.</summary>
    public virtual Errno Thaw() => Errno.Ok;

    /// <summary>SHUTDOWN_FS: the device is gone. Every later request must fail, nothing is written any more.</summary>
    public virtual Errno Shutdown(ulong flags) => Errno.NotImplemented;
}
