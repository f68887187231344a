namespace Fuse4fs.KernelTwin.Scheduling;

/// <summary>How many operations of a kind are under way, and waiting for there to be none.</summary>
internal sealed class Countdown
{
    private readonly List<TaskCompletionSource> _waiting = [];

    public int Count { get; private set; }

    public void Add() => Count++;

    public void Remove()
    {
        if (--Count > 0)
        {
            return;
        }
        TaskCompletionSource[] waiting = [.. _waiting];
        _waiting.Clear();
        foreach (TaskCompletionSource waiter in waiting)
        {
            waiter.SetResult();
        }
    }

    public async Task WaitForNone()
    {
        while (Count > 0)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(waiter);
            await waiter.Task;
        }
    }
}
