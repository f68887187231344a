using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>What one client did to a volume and was promised, each with the device's step at which it began or was
/// said; and what must therefore be true of every image that a crash can leave.</summary>
/// <remarks>Transactions are durable in their order, and every operation's names and attributes change in one handle.
/// So a recovered tree must be the one behind some operation: not before the last change that a sync covered, not
/// beyond the last begun. What files hold is judged apart (<see cref="FileHistory"/>).</remarks>
internal sealed class CrashRecord
{
    private readonly Volume _volume;
    private readonly RecordingDevice _device;
    private readonly List<(int BegunAt, string Names)> _states = [];
    private readonly List<(int Step, int State)> _durable = [(0, 0)];
    private readonly Dictionary<FileKey, FileHistory> _files = [];
    private readonly Dictionary<FileKey, int> _lastChange = [];
    private readonly Dictionary<FileKey, int> _lastDataChange = [];
    private int _begunAt;

    /// <summary>The tree that is there already counts as durable.</summary>
    public CrashRecord(Volume volume, RecordingDevice device)
    {
        _volume = volume;
        _device = device;
        SeenTree tree = SeenTree.Capture(volume);
        _states.Add((0, tree.Names));
        foreach ((FileKey key, byte[] contents) in tree.Files)
        {
            var history = new FileHistory(0);
            history.Change(0, contents);
            history.MakeDurable(0);
            _files.Add(key, history);
        }
    }

    /// <summary>An operation begins.</summary>
    public void Begin() => _begunAt = _device.StepCount;

    /// <summary>It has ended.</summary>
    public void End() => _states.Add((_begunAt, SeenTree.Capture(_volume, withContents: false).Names));

    /// <summary>The operation under way made a file.</summary>
    public void NoteNew(in InodeAttributes made)
    {
        _files[FileKey.Of(in made)] = new FileHistory(_begunAt);
        _lastDataChange[FileKey.Of(in made)] = _states.Count;
    }

    /// <summary>The operation under way changed what a transaction holds of these inodes.</summary>
    public void NoteChange(params ReadOnlySpan<InodeNumber> numbers)
    {
        foreach (InodeNumber number in numbers)
        {
            if (number != InodeNumber.None && _volume.GetAttributes(number, out InodeAttributes attributes) == Errno.Ok)
            {
                _lastChange[FileKey.Of(in attributes)] = _states.Count;
            }
        }
    }

    /// <summary>The operation under way may have changed a file's data.</summary>
    /// <param name="before">What the file was like before it.</param>
    public void NoteData(in InodeAttributes before)
    {
        if (_volume.GetAttributes(before.Number, out InodeAttributes after) != Errno.Ok
            || !_files.TryGetValue(FileKey.Of(in after), out FileHistory? history))
        {
            return;
        }
        history.Change(_begunAt, SeenTree.Read(_volume, in after));
        if (after != before)
        {
            NoteChange(before.Number);
        }
        if (after.SizeBytes != before.SizeBytes || after.Sectors != before.Sectors)
        {
            _lastDataChange[FileKey.Of(in after)] = _states.Count;
        }
    }

    /// <summary>An inode was synced.</summary>
    /// <param name="synced">Which.</param>
    /// <param name="isDataOnly">By fdatasync: of a regular file nothing but its data is promised.</param>
    public void NoteSync(in InodeAttributes synced, bool isDataOnly)
    {
        var key = FileKey.Of(in synced);
        bool isLess = isDataOnly && synced.Kind == FileKind.Regular;
        if ((isLess ? _lastDataChange : _lastChange).TryGetValue(key, out int state))
        {
            _durable.Add((_device.StepCount, state));
        }
        _files.GetValueOrDefault(key)?.MakeDurable(_device.StepCount);
    }

    /// <summary>Everything was synced.</summary>
    public void NoteSyncOfAll()
    {
        _durable.Add((_device.StepCount, _states.Count - 1));
        foreach (FileHistory history in _files.Values)
        {
            history.MakeDurable(_device.StepCount);
        }
    }

    /// <summary>What is wrong with a recovered volume; null when nothing is.</summary>
    /// <param name="recovered">A volume opened over it.</param>
    /// <param name="cut">After how many steps of the device the crash was.</param>
    public string? Check(Volume recovered, int cut)
    {
        SeenTree found = SeenTree.Capture(recovered);
        int least = _durable.Where(entry => entry.Step <= cut).Max(entry => entry.State);
        int most = Math.Max(least, _states.FindLastIndex(state => state.BegunAt <= cut));
        if (!_states[least..(most + 1)].Exists(state => state.Names == found.Names))
        {
            return $"no state from {least} to {most} has these names\n{Difference(found.Names, least, most)}";
        }
        foreach ((FileKey key, byte[] contents) in found.Files)
        {
            string? wrong = _files.TryGetValue(key, out FileHistory? history)
                ? history.Check(contents, cut)
                : "never made";
            if (wrong is not null)
            {
                return $"file {key}: {wrong}";
            }
        }
        return null;
    }

    private string Difference(string found, int least, int most)
    {
        string[] lines = found.Split('\n');
        int nearest = Enumerable.Range(least, most - least + 1)
            .MinBy(state => _states[state].Names.Split('\n').Except(lines).Count());
        string[] expected = _states[nearest].Names.Split('\n');
        return $"nearest is state {nearest}; missing:\n{string.Join('\n', expected.Except(lines))}\n"
            + $"not in it:\n{string.Join('\n', lines.Except(expected))}";
    }
}
