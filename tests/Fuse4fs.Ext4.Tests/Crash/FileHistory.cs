namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>What one file held after each change, and which of it was promised to be durable when.</summary>
internal sealed class FileHistory
{
    private readonly List<(int BegunAt, byte[] Contents)> _states = [];
    private readonly List<(int Step, int State)> _durable = [(0, 0)];

    /// <summary>The file was made.</summary>
    /// <param name="begunAt">The device's step when that began.</param>
    public FileHistory(int begunAt) => _states.Add((begunAt, []));

    /// <summary>The file was changed.</summary>
    /// <param name="begunAt">The device's step when that began.</param>
    /// <param name="contents">What it holds now.</param>
    public void Change(int begunAt, byte[] contents) => _states.Add((begunAt, contents));

    /// <summary>What the file holds now was made durable.</summary>
    /// <param name="step">The device's step when that was said.</param>
    public void MakeDurable(int step) => _durable.Add((step, _states.Count - 1));

    /// <summary>What is wrong with the file after a crash; null when nothing is.</summary>
    /// <param name="found">What it holds.</param>
    /// <param name="cut">After how many steps of the device.</param>
    /// <remarks>Every byte must be one that the file had there at the last sync or later: data is overwritten in place,
    /// so that any mixture of those is right. Its size must lie between those of the same time.</remarks>
    public string? Check(byte[] found, int cut)
    {
        int least = _durable.FindLast(entry => entry.Step <= cut).State;
        int most = Math.Max(least, _states.FindLastIndex(state => state.BegunAt <= cut));
        List<byte[]> allowed = [.. _states[least..(most + 1)].Select(state => state.Contents)];
        if (allowed.Exists(contents => contents.AsSpan().SequenceEqual(found)))
        {
            return null;
        }
        if (found.Length < allowed.Min(contents => contents.Length)
            || found.Length > allowed.Max(contents => contents.Length))
        {
            return $"size {found.Length}, states {least} to {most} have "
                + string.Join(' ', allowed.Select(contents => contents.Length));
        }
        for (int at = 0; at < found.Length; at++)
        {
            if (!allowed.Exists(contents => (at < contents.Length ? contents[at] : 0) == found[at]))
            {
                return $"byte {at} of {found.Length} is {found[at]:x2}, in states {least} to {most} it is "
                    + string.Join(' ', allowed.Select(contents => at < contents.Length ? $"{contents[at]:x2}" : "-"));
            }
        }
        return null;
    }
}
