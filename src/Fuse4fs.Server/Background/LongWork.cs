using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Background;

/// <summary>What a worker should not do itself, because others would wait for it: the request is answered later, from
/// the background thread.</summary>
internal static class LongWork
{
    /// <summary>From this much space on, 1 GiB, giving a file blocks or taking them away may take long.</summary>
    public const ulong LongBytes = 1 << 30;

    private const ulong LongSectors = LongBytes >> 9;

    /// <summary>Whether emptying a file may take long.</summary>
    public static bool IsLong(in InodeAttributes attributes) => attributes.Sectors >= LongSectors;

    /// <summary>Does it in the background; what it throws becomes the request's answer.</summary>
    /// <param name="server">The mount.</param>
    /// <param name="reply">Completed by the work, or here when that fails.</param>
    /// <param name="work">Ends by completing the reply.</param>
    public static void Run(ServedVolume server, DeferredReply reply, Action<CancellationToken> work)
    {
        void Guarded(CancellationToken cancellation)
        {
            try
            {
                work(cancellation);
            }
            catch (Ext4CorruptException damage)
            {
                server.Volume.Context.Events.Damage(damage, InodeNumber.None);
                reply.Complete(Errno.Corrupted);
            }
            catch (DeviceException failure)
            {
                server.Volume.Context.Events.DeviceFailed(failure);
                reply.Complete(Errno.InputOutput);
            }
            catch
            {
                reply.Complete(Errno.InputOutput);
                throw;
            }
        }

        if (!server.Background.TryAdd(Guarded))
        {
            Guarded(CancellationToken.None);
        }
    }
}
