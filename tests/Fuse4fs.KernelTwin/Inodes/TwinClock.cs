namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>Time that moves by a millisecond whenever somebody looks: the same in every run.</summary>
public sealed class TwinClock
{
    private const ulong Epoch = 1_700_000_000;
    private const ulong StepsPerSecond = 1000;
    private ulong _steps;

    public Timestamp Now()
    {
        _steps++;
        return new Timestamp(Epoch + (_steps / StepsPerSecond), (uint)(_steps % StepsPerSecond) * 1_000_000);
    }
}
