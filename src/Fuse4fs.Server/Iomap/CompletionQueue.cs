using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Fuse.Iomap;

namespace Fuse4fs.Server.Iomap;

/// <summary>Completions of one file: whoever comes first works on his, the others leave theirs and go. He takes up all
/// that has come meanwhile, together, until there is nothing left.</summary>
/// <remarks>Nothing waits, and nothing is allocated once it has held as many as there are at once.</remarks>
internal sealed class CompletionQueue
{
    private readonly Lock _gate = new();
    private Group _waiting = new();
    private Group _taken = new();
    private bool _isBusy;

    /// <summary>Adds a completion.</summary>
    /// <returns>True: nobody is at work, the caller is from now on, until <see cref="TryTake"/> gives him nothing.</returns>
    public bool Add(long offset, long length, DeferredIoEnd reply, bool isDirect)
    {
        lock (_gate)
        {
            _waiting.Add(new DelegatedCompletion(offset, length), new Waiter(reply, isDirect));
            return !_isBusy && (_isBusy = true);
        }
    }

    /// <summary>Takes all there is, to be answered by the caller.</summary>
    /// <returns>False: there is nothing, and the caller is at work no more.</returns>
    public bool TryTake(out Group group)
    {
        lock (_gate)
        {
            group = _waiting;
            if (group.Count == 0)
            {
                _isBusy = false;
                return false;
            }
            _taken.Clear();
            (_waiting, _taken) = (_taken, group);
            return true;
        }
    }

    /// <summary>Who waits for a completion.</summary>
    /// <param name="Reply">To be answered.</param>
    /// <param name="IsDirect">An error reaches the writer; else nobody.</param>
    internal readonly record struct Waiter(DeferredIoEnd Reply, bool IsDirect);

    /// <summary>Completions taken up together.</summary>
    internal sealed class Group
    {
        private DelegatedCompletion[] _completions = new DelegatedCompletion[4];
        private Waiter[] _waiters = new Waiter[4];

        public int Count { get; private set; }

        public Span<DelegatedCompletion> Completions => _completions.AsSpan(0, Count);

        /// <summary>Of a completion of the group, wherever it was moved to.</summary>
        public ref readonly Waiter WaiterOf(in DelegatedCompletion completion) => ref _waiters[completion.Tag];

        public void Add(DelegatedCompletion completion, Waiter waiter)
        {
            if (Count == _completions.Length)
            {
                Array.Resize(ref _completions, Count * 2);
                Array.Resize(ref _waiters, Count * 2);
            }
            completion.Tag = Count;
            _waiters[Count] = waiter;
            _completions[Count++] = completion;
        }

        public void Clear()
        {
            Array.Clear(_waiters, 0, Count);
            Count = 0;
        }
    }
}
