using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>Brings a worker to the CPU of the program that it serves. A program that asks for names and attributes waits
/// for each answer, so the two take turns and a second CPU wins nothing, while waking a thread on another CPU, one
/// that sleeps, costs more than most requests do: many times as much in a virtual machine. The kernel's FUSE does not
/// tell the scheduler that it wakes in turns (as pipes do), which then keeps the two apart for ever once they
/// are.</summary>
/// <remarks>A hint now and then: the worker may run anywhere before and after. Where the scheduler has other plans, the
/// hints become rare. Belongs to one worker.</remarks>
internal sealed class CallerProximity
{
    private const int FirstPause = 32;
    private const int UsualPause = 256;
    private const int LongestPause = 1 << 16;

    private int _requestsLeft = FirstPause;
    private int _pause = FirstPause;

    /// <summary>A request was answered.</summary>
    /// <param name="header">Of which kind and whose it was.</param>
    public void Answered(in InHeader header)
    {
        if (_requestsLeft > 1)
        {
            _requestsLeft--;
        }
        else if (header.Pid != 0 && CallerWaits(header.Opcode))
        {
            _requestsLeft = Look(header.Pid);
        }
    }

    /// <summary>Data may be asked for ahead of its use, and closing a file waits for nothing: then the caller has
    /// something else to do meanwhile.</summary>
    private static bool CallerWaits(Opcode opcode) => opcode is not (Opcode.Read or Opcode.Write or Opcode.Release
        or Opcode.ReleaseDirectory or Opcode.Forget or Opcode.BatchForget or Opcode.Interrupt or Opcode.NotifyReply);

    /// <returns>How many requests to let pass before the next look.</returns>
    private int Look(uint caller)
    {
        int cpu = LibC.CpuOf(caller);
        if (cpu < 0)
        {
            return LongestPause;
        }
        if (cpu == LibC.CurrentCpu)
        {
            _pause = FirstPause;
            return UsualPause;
        }
        int pause = _pause;
        _pause = Math.Min(pause * 4, LongestPause);
        return LibC.MoveThreadToCpu(cpu) == Errno.Ok ? pause : LongestPause;
    }
}
