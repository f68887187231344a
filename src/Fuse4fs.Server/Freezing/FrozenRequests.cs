using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;

namespace Fuse4fs.Server.Freezing;

/// <summary>Which requests wait while a mount is frozen: those that are there to change something. Nothing else may: who
/// reads is served, and FORGET and RELEASE, for which nobody waits, change memory alone (docs/living.md).</summary>
internal static class FrozenRequests
{
    /// <param name="header">Of a request.</param>
    /// <param name="body">What follows it, of which nothing was taken.</param>
    public static bool MustWait(in InHeader header, in RequestReader body)
    {
        RequestReader reader = body;
        return header.Opcode switch
        {
            Opcode.SetAttributes or Opcode.Write or Opcode.Create or Opcode.TemporaryFile or Opcode.MakeNode
                or Opcode.MakeDirectory or Opcode.SymbolicLink or Opcode.Link or Opcode.Unlink
                or Opcode.RemoveDirectory or Opcode.Rename or Opcode.Rename2 or Opcode.Fallocate
                or Opcode.CopyFileRange or Opcode.CopyFileRange64 or Opcode.SetXattr or Opcode.RemoveXattr => true,
            Opcode.Open => reader.TryTake(out OpenIn open) && ((OpenFlags)open.Flags & OpenFlags.Truncate) != 0,
            Opcode.IoControl => reader.TryTake(out IoControlIn request) && Changes(request.Command),
            _ => false,
        };
    }

    /// <summary>What the kernel does of its own accord: writing back data and times that it has kept. It does so on the way out
    /// of calls whose main part was answered, and before it forgets a file.</summary>
    public static bool IsKernelsOwn(in InHeader header, in RequestReader body)
    {
        const SetAttributesFlags kept = SetAttributesFlags.ModifyTime | SetAttributesFlags.ChangeTime
            | SetAttributesFlags.Handle | SetAttributesFlags.LockOwner;
        RequestReader reader = body;
        return IsWriteBack(in header, in body)
            || (header.Opcode == Opcode.SetAttributes && reader.TryTake(out SetAttributesIn change) && (change.Valid & ~kept) == 0);
    }

    /// <summary>Data that the kernel wrote into its cache before: nobody is there any more who could be told of an
    /// error.</summary>
    public static bool IsWriteBack(in InHeader header, in RequestReader body)
    {
        RequestReader reader = body;
        return header.Opcode == Opcode.Write && reader.TryTake(out WriteIn write)
            && (write.WriteFlags & WriteFlags.Cache) != 0;
    }

    /// <summary>Programs send many commands that we do not know, to learn whether a file is a terminal say: those do not
    /// wait.</summary>
    private static bool Changes(uint command) => command is IoControlCommands.SetFlags or IoControlCommands.SetExtended
        or IoControlCommands.SetVersion or IoControlCommands.SetVersion32 or IoControlCommands.SetVersionExt4
        or IoControlCommands.SetVersionExt4On32 or IoControlCommands.SetLabel or IoControlCommands.SetUuid
        or IoControlCommands.Migrate or IoControlCommands.Checkpoint or IoControlCommands.Trim
        or IoControlCommands.Shutdown;
}
