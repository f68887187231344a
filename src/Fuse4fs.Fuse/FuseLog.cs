using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;
using Serilog.Events;

namespace Fuse4fs.Fuse;

/// <summary>All messages of the protocol library.</summary>
internal static class FuseLog
{
    public static void Connected(ILogger log, Capabilities agreed)
        => log.Debug("FUSE 7.{Minor}, capabilities {Flags}, {MaxWrite} bytes a write",
            agreed.Minor, agreed.Flags, agreed.MaxWriteBytes);

    public static void ReplyRefused(ILogger log, Opcode opcode, ulong unique, Errno error)
        => log.Error("the kernel refused the reply to {Opcode} {Unique}: {Error}", opcode, unique, error);

    public static void Malformed(ILogger log, uint opcode, int length)
        => log.Warning("malformed request, opcode {Opcode}, {Length} bytes", opcode, length);

    public static void ReadFailed(ILogger log, int worker)
        => log.Error("worker {Worker} cannot read from the kernel", worker);

    public static void NoClone(ILogger log, Errno error)
        => log.Warning("no descriptor of its own for a worker: {Error}; workers share one", error);

    public static void NoRing(ILogger log, int worker, Errno error)
        => log.Error("io_uring of worker {Worker} cannot be used: {Error}", worker, error);

    public static void NoRings(ILogger log, Errno error)
        => log.Warning("no io_uring here: {Error}; serving by read and write", error);

    public static void HandlerFailedTwice(ILogger log, Exception exception, Opcode opcode)
        => log.Error(exception, "{Opcode}: the handler failed while handling a failure", opcode);

    public static void ExtraWorker(ILogger log, int worker)
        => log.Debug("all workers are busy: worker {Worker} helps out", worker);

    public static void IomapInForce(ILogger log, IomapConnection connection)
        => log.Information("block mappings in force, revision {Revision}", connection.Revision);

    public static void NoIomap(ILogger log, string reason)
        => log.Information("no block mappings: {Reason}", reason);

    public static void ConfigureFailed(ILogger log, Exception exception)
        => log.Error(exception, "IOMAP_CONFIG could not be answered");

    public static void UnknownOperation(ILogger log, uint flags)
        => log.Error("IOMAP_BEGIN or IOMAP_END with operation flags {Flags:X} that are not known: refused", flags);

    public static void MappingRefused(ILogger log, FileIdentity file, MappingFault fault, in Mapping mapping)
        => log.Error("a mapping of {File} was not sent: {Fault}: {Mapping}", file, fault, mapping);

    public static void ReplyWithheld(ILogger log, in BeginRequest request, MappingFault fault, in BeginReply reply)
        => log.Error("the answer to {Request} was not sent: {Fault}: {Mappings}",
            request, fault, $"{reply.Source}, {reply.Target}");

    public static void SizeWithheld(ILogger log, in IoEndRequest request, long sizeBytes)
        => log.Error("the answer to {Request} was not sent: size {Size}", request, sizeBytes);

    public static void ThreadNotProtected(ILogger log, int worker, Errno error)
        => log.Warning("worker {Worker} may be drawn into writing pages when memory is short: {Error}", worker, error);

    public static void Answered(ILogger log, Opcode opcode, ulong nodeId, Errno error)
    {
        if (log.IsEnabled(LogEventLevel.Verbose))
        {
            log.Verbose("{Opcode} of node {Node} -> {Error}", opcode, nodeId, error);
        }
    }
}
