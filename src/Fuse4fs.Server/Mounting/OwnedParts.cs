namespace Fuse4fs.Server.Mounting;

/// <summary>What a mount owns, disposed of once, in the reverse order, by whoever is first: the end of the process or
/// the kernel's DESTROY. Who comes second waits for the first.</summary>
internal sealed class OwnedParts : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<IDisposable> _parts = [];

    public void Add(IDisposable part) => _parts.Push(part);

    public void Dispose()
    {
        lock (_gate)
        {
            while (_parts.TryPop(out IDisposable? next))
            {
                next.Dispose();
            }
        }
    }
}
