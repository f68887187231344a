namespace Fuse4fs.Samples;

/// <summary>Which blocks of a device are in use: as plain as can be.</summary>
internal sealed class BlockSpace(int blocks)
{
    private readonly Lock _gate = new();
    private readonly bool[] _used = new bool[blocks];
    private int _next;

    public int Blocks => _used.Length;

    public int Free { get; private set; } = blocks;

    /// <returns>False when none is left.</returns>
    public bool TryTake(out int block)
    {
        lock (_gate)
        {
            block = -1;
            for (int i = 0; i < Blocks && Free > 0 && block < 0; i++)
            {
                int candidate = (_next + i) % Blocks;
                block = _used[candidate] ? -1 : candidate;
            }
            if (block < 0)
            {
                return false;
            }
            _used[block] = true;
            _next = block + 1;
            Free--;
            return true;
        }
    }

    public void Give(int block)
    {
        lock (_gate)
        {
            _used[block] = false;
            Free++;
        }
    }
}
