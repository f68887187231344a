namespace Fuse4fs.KernelTwin.Scheduling;

/// <summary>Many readers or one writer, first come, first served. For tasks of one scheduler.</summary>
internal sealed class SharedLock
{
    private readonly Queue<(bool Exclusive, TaskCompletionSource Turn)> _waiting = new();
    private int _readers;

    public bool IsHeldExclusively { get; private set; }

    public Task EnterShared()
    {
        if (!IsHeldExclusively && _waiting.Count == 0)
        {
            _readers++;
            return Task.CompletedTask;
        }
        return Queue(exclusive: false);
    }

    public Task EnterExclusive()
    {
        if (!IsHeldExclusively && _readers == 0 && _waiting.Count == 0)
        {
            IsHeldExclusively = true;
            return Task.CompletedTask;
        }
        return Queue(exclusive: true);
    }

    public void ExitShared()
    {
        _readers--;
        Admit();
    }

    public void ExitExclusive()
    {
        IsHeldExclusively = false;
        Admit();
    }

    private Task Queue(bool exclusive)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue((exclusive, turn));
        return turn.Task;
    }

    private void Admit()
    {
        while (_waiting.TryPeek(out (bool Exclusive, TaskCompletionSource Turn) next) && !IsHeldExclusively
            && (!next.Exclusive || _readers == 0))
        {
            _waiting.Dequeue();
            IsHeldExclusively = next.Exclusive;
            _readers += next.Exclusive ? 0 : 1;
            next.Turn.SetResult();
        }
    }
}
