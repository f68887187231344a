namespace Fuse4fs.Fuse;

/// <summary>Room for one worker that looks for requests without sleeping.</summary>
internal sealed class LookingPlace
{
    private int _isTaken = Environment.ProcessorCount > 1 ? 0 : 1;

    /// <summary>Takes the place, if it is free.</summary>
    public bool TryEnter() => Volatile.Read(ref _isTaken) == 0 && Interlocked.Exchange(ref _isTaken, 1) == 0;

    /// <summary>Gives it back.</summary>
    public void Leave() => Volatile.Write(ref _isTaken, 0);
}
