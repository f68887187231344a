using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Background;

/// <summary>Gives memory back when the machine runs out of it: the kernel says when tasks wait for memory for more than a
/// little while (/proc/pressure/memory). Where it cannot be asked nothing is given back. Docs: accounting/psi.rst.</summary>
internal sealed class PressureWatch : IDisposable
{
    private const string Path = "/proc/pressure/memory";

    /// <summary>Some task waited for 100 of any 1000 milliseconds.</summary>
    private const string Trigger = "some 100000 1000000";

    private const int LookEveryMilliseconds = 500;

    private readonly FileDescriptor _pressure;
    private readonly Action _giveBack;
    private readonly Thread _thread;
    private volatile bool _isEnding;

    private PressureWatch(FileDescriptor pressure, Action giveBack)
    {
        _pressure = pressure;
        _giveBack = giveBack;
        _thread = new Thread(Run) { IsBackground = true, Name = "pressure" };
        _thread.Start();
    }

    /// <returns>Null where the kernel does not tell, or not us.</returns>
    public static unsafe PressureWatch? TryStart(Action giveBack)
    {
        FileDescriptor pressure = LibC.Open(Path, OpenFlags.ReadWrite | OpenFlags.NonBlocking | OpenFlags.CloseOnExec, 0);
        ReadOnlySpan<byte> trigger = Encoding.ASCII.GetBytes(Trigger + "\0");
        fixed (byte* text = trigger)
        {
            if (!pressure.IsInvalid && LibC.Write(pressure, text, (nuint)trigger.Length) == trigger.Length)
            {
                return new PressureWatch(pressure, giveBack);
            }
        }
        pressure.Dispose();
        return null;
    }

    public void Dispose()
    {
        _isEnding = true;
        _thread.Join();
        _pressure.Dispose();
    }

    private void Run()
    {
        while (!_isEnding)
        {
            int outcome = LibC.WaitForPriority(_pressure, LookEveryMilliseconds);
            if (outcome > 0)
            {
                _giveBack();
            }
            else if (outcome < 0 && LibC.LastError != Errno.Interrupted)
            {
                return;
            }
        }
    }
}
