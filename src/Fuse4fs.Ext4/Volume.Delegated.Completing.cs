using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>What has become of data that somebody else wrote.</content>
public sealed partial class Volume
{
    /// <summary>Data has reached the device: its blocks hold data from now on, and the file ends behind it at least.
    /// Ranges that touch are one to the map.</summary>
    /// <param name="number">Its file.</param>
    /// <param name="completions">In any order; put in order, with what became of each.</param>
    public void CompleteDelegatedWrites(InodeNumber number, Span<DelegatedCompletion> completions)
    {
        Errno error = AcquireDelegated(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            foreach (ref DelegatedCompletion completion in completions)
            {
                completion.Outcome = error;
            }
            return;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Inode inode = reference.Inode;
            inode.RaiseDataTicket(Journal!.DataTicket);
            completions.Sort(static (left, right) => left.OffsetBytes.CompareTo(right.OffsetBytes));
            while (!completions.IsEmpty)
            {
                int count = CountTouching(completions);
                CompleteTouching(inode, completions[..count]);
                completions = completions[count..];
            }
        }
    }

    /// <summary>Data did not reach the device.</summary>
    public Errno FailDelegatedWrite(InodeNumber number, long offset, long length) =>
        !IsRange(offset, length) ? Errno.Invalid : ChangeDelegated(number, (files, inode) =>
        {
            if (length > 0)
            {
                files.Fail(inode, offset, length);
            }
            return Errno.Ok;
        });

    /// <summary>How many of the first ones make one range.</summary>
    private int CountTouching(ReadOnlySpan<DelegatedCompletion> completions)
    {
        if (!IsCompletion(in completions[0]))
        {
            return 1;
        }
        int count = 1;
        for (long end = completions[0].EndBytes; count < completions.Length; count++)
        {
            ref readonly DelegatedCompletion next = ref completions[count];
            if (!IsCompletion(in next) || next.OffsetBytes > end)
            {
                break;
            }
            end = Math.Max(end, next.EndBytes);
        }
        return count;
    }

    private void CompleteTouching(Inode inode, Span<DelegatedCompletion> completions)
    {
        long first = completions[0].OffsetBytes;
        long end = first;
        foreach (ref readonly DelegatedCompletion completion in completions)
        {
            end = IsCompletion(in completion) ? Math.Max(end, completion.EndBytes) : end;
        }
        Errno error = end > first ? TryComplete(inode, first, end - first) : Errno.Invalid;
        foreach (ref DelegatedCompletion completion in completions)
        {
            // What failed together may have failed for one of them.
            completion.Outcome = error == Errno.Ok || completions.Length == 1
                ? error
                : TryComplete(inode, completion.OffsetBytes, completion.LengthBytes);
            completion.SizeBytes = inode.SizeBytes;
        }
    }

    /// <summary>Damage that one completion meets is not the others' affair.</summary>
    private Errno TryComplete(Inode inode, long offset, long length)
    {
        try
        {
            return Delegated!.Complete(inode, offset, length);
        }
        catch (Ext4CorruptException damage)
        {
            Context.Events.Damage(damage, inode.Number);
            return Errno.Corrupted;
        }
        catch (DeviceException failure)
        {
            Context.Events.DeviceFailed(failure);
            return failure.Error == Errno.NoSpace ? Errno.NoSpace : Errno.InputOutput;
        }
    }

    private bool IsCompletion(in DelegatedCompletion completion) => completion.LengthBytes > 0
        && IsRange(completion.OffsetBytes, completion.LengthBytes)
        && completion.LengthBytes <= MaximumFileBytes - completion.OffsetBytes;
}
