using System.Text;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>One client's random operations of every kind, recorded.</summary>
internal sealed class CrashWorkload(Volume volume, RecordingDevice device, int seed)
{
    /// <summary>Bytes that files are filled with lie from here on: nothing else looks like them.</summary>
    public const byte FirstPattern = 0x80;

    /// <summary>How many there are.</summary>
    public const int Patterns = 0x40;

    private const int MostFileBytes = 40_000;
    private const int NameKinds = 24;

    private readonly Random _random = new(seed);
    private readonly bool _hasCasefold = volume.Context.Geometry.Has(IncompatFeatures.Casefold);
    private readonly List<InodeNumber> _directories = [InodeNumber.Root];
    private readonly List<InodeNumber> _retained = [];
    private readonly CrashRecord _record = new(volume, device);

    /// <summary>Answers of operations that do not depend on a failing device.</summary>
    private static readonly HashSet<Errno> s_ordinary =
    [
        Errno.Ok, Errno.Exists, Errno.NoEntry, Errno.NotEmpty, Errno.IsDirectory, Errno.NotDirectory, Errno.Invalid,
        Errno.NotPermitted, Errno.NoSpace, Errno.NoData, Errno.Stale, Errno.Busy, Errno.NotSupported,
    ];

    /// <summary>What a failing device may add to the answers; none by default.</summary>
    public HashSet<Errno> AlsoAllowed { get; } = [];

    /// <summary>Operations done.</summary>
    public int Done { get; private set; }

    /// <summary>Called when an operation is over and the volume is going to be looked at, and when that is done: a
    /// place to hold back a failing device.</summary>
    public Action<bool>? Observing { get; init; }

    /// <summary>What happened.</summary>
    public CrashRecord Record => _record;

    /// <summary>So many random operations.</summary>
    /// <returns>False when the volume takes no more changes.</returns>
    public bool Run(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            if (!Step())
            {
                return false;
            }
        }
        return true;
    }

    private bool Step()
    {
        _record.Begin();
        Done++;
        Errno error = Errno.Ok;
        bool isWhole = true;
        try
        {
            error = Act();
        }
        catch (DeviceException) when (AlsoAllowed.Count > 0)
        {
            isWhole = !volume.IsReadOnly;
        }
        if (!s_ordinary.Contains(error) && !AlsoAllowed.Contains(error))
        {
            throw new InvalidOperationException($"operation {Done}: {error}");
        }
        if (isWhole)
        {
            Observing?.Invoke(true);
            _record.End();
            Observing?.Invoke(false);
        }
        return !volume.IsReadOnly;
    }

    private Errno Act() => _random.Next(33) switch
    {
        < 4 => Create(),
        < 9 => WriteSome(),
        < 11 => Truncate(),
        < 13 => ChangeSpace(),
        < 15 => Unlink(),
        < 18 => Rename(),
        18 or 19 => MakeDirectory(),
        20 => RemoveDirectory(),
        21 => Symlink(),
        22 => Link(),
        23 or 24 => ChangeXattr(),
        25 => ChangeMode(),
        26 => MakeTemporary(),
        27 => Forget(),
        < 31 => SyncOne(),
        31 => ChangeMap(),
        _ => SyncAll(),
    };

    private Errno Create()
    {
        InodeNumber parent = PickDirectory();
        bool isRetained = _random.Next(4) == 0;
        Errno error = volume.Create(
            parent, RandomName(), 0x1A4, new Caller(0, 0, Retains: isRetained), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            NoteNew(parent, in made, isRetained);
        }
        return error;
    }

    private Errno MakeTemporary()
    {
        InodeNumber parent = PickDirectory();
        Errno error = volume.TemporaryFile(parent, 0x180, new Caller(0, 0, Retains: true), out InodeAttributes made);
        if (error != Errno.Ok)
        {
            return error;
        }
        NoteNew(made.Number, in made, isRetained: true);
        WriteTo(made.Number);
        if (_random.Next(2) == 0)
        {
            return Errno.Ok;
        }
        error = volume.Link(made.Number, parent, RandomName(), new Caller(0, 0), out _);
        if (error == Errno.Ok)
        {
            _record.NoteChange(parent, made.Number);
        }
        return error;
    }

    private void NoteNew(InodeNumber parent, in InodeAttributes made, bool isRetained)
    {
        _record.NoteNew(in made);
        _record.NoteChange(parent, made.Number);
        if (isRetained)
        {
            _retained.Add(made.Number);
        }
    }

    private Errno MakeDirectory()
    {
        InodeNumber parent = PickDirectory();
        Errno error = volume.MakeDirectory(parent, RandomName(), 0x1ED, new Caller(0, 0), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            _directories.Add(made.Number);
            _record.NoteChange(parent, made.Number);
            if (_hasCasefold && _random.Next(2) == 0)
            {
                error = volume.SetFlags(made.Number, made.Flags | InodeFlags.Casefold);
            }
        }
        return error;
    }

    private Errno RemoveDirectory()
    {
        InodeNumber parent = PickDirectory();
        byte[] name = RandomName();
        volume.Lookup(parent, name, out InodeNumber victim);
        Errno error = volume.RemoveDirectory(parent, name);
        if (error == Errno.Ok)
        {
            _directories.Remove(victim);
            _record.NoteChange(parent);
        }
        return error;
    }

    private Errno Symlink()
    {
        InodeNumber parent = PickDirectory();
        byte[] target = Encoding.ASCII.GetBytes(new string('t', _random.Next(2) == 0 ? 20 : 300));
        Errno error = volume.Symlink(parent, RandomName(), target, new Caller(0, 0), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            _record.NoteChange(parent, made.Number);
        }
        return error;
    }

    private Errno Link()
    {
        InodeNumber parent = PickDirectory();
        Errno error = volume.Lookup(PickDirectory(), RandomName(), out InodeNumber target);
        error = error == Errno.Ok ? volume.Link(target, parent, RandomName(), new Caller(0, 0), out _) : error;
        if (error == Errno.Ok)
        {
            _record.NoteChange(parent, target);
        }
        return error;
    }

    private Errno Unlink()
    {
        InodeNumber parent = PickDirectory();
        byte[] name = RandomName();
        volume.Lookup(parent, name, out InodeNumber victim);
        if (_random.Next(3) == 0 && victim != InodeNumber.None)
        {
            volume.Retain(victim);
            _retained.Add(victim);
        }
        Errno error = volume.Unlink(parent, name);
        if (error == Errno.Ok)
        {
            _record.NoteChange(parent, victim);
        }
        return error;
    }

    private Errno Rename()
    {
        InodeNumber from = PickDirectory();
        InodeNumber to = _random.Next(2) == 0 ? from : PickDirectory();
        (byte[] oldName, byte[] newName) = (RandomName(), RandomName());
        volume.Lookup(from, oldName, out InodeNumber moved);
        volume.Lookup(to, newName, out InodeNumber target);
        RenameFlags flags = _random.Next(5) switch
        {
            0 => RenameFlags.Exchange,
            1 => RenameFlags.Whiteout,
            _ => RenameFlags.None,
        };
        Errno error = volume.Rename(from, oldName, to, newName, flags, new Caller(0, 0));
        if (error == Errno.Ok && moved != target)
        {
            if (flags != RenameFlags.Exchange)
            {
                _directories.Remove(target);
            }
            _record.NoteChange(from, to, moved, target);
        }
        return error;
    }

    private Errno ChangeXattr()
    {
        InodeNumber number = PickFile();
        byte[] name = Encoding.ASCII.GetBytes($"user.a{_random.Next(4)}");
        // e2fsck 1.47 takes a short symlink for one with blocks when its i_blocks counts a value in an inode.
        bool isSymlink = volume.GetAttributes(number, out InodeAttributes attributes) == Errno.Ok
            && attributes.Kind == FileKind.Symlink;
        byte[] value = Pattern(_random.Next(isSymlink ? 2 : 3) switch { 0 => 10, 1 => 500, _ => 2500 });
        Errno error = _random.Next(3) == 0
            ? volume.RemoveXattr(number, name)
            : volume.SetXattr(number, name, value, XattrFlags.None, new Caller(0, 0));
        if (error == Errno.Ok)
        {
            _record.NoteChange(number);
        }
        return error;
    }

    private Errno ChangeMode()
    {
        InodeNumber number = PickFile();
        var change = new AttributeChange { Permissions = (ushort)_random.Next(0x200) };
        Errno error = volume.SetAttributes(number, in change, out _);
        if (error == Errno.Ok)
        {
            _record.NoteChange(number);
        }
        return error;
    }

    /// <summary>From extents to a block map or back, where the volume has both.</summary>
    private Errno ChangeMap()
    {
        InodeNumber number = PickFile();
        Errno error = volume.GetAttributes(number, out InodeAttributes attributes);
        if (error != Errno.Ok || attributes.Kind != FileKind.Regular)
        {
            return error;
        }
        return ChangeData(number, () => volume.SetFlags(number, attributes.Flags ^ InodeFlags.Extents));
    }

    private Errno WriteSome() => WriteTo(PickFile());

    private Errno WriteTo(InodeNumber number)
    {
        var options = new WriteOptions { IsCached = _random.Next(2) == 0 };
        int length = _random.Next(4) == 0 ? _random.Next(1, 12_000) : _random.Next(1, 3000);
        int offset = _random.Next(3) == 0 ? 0 : _random.Next(MostFileBytes - length);
        return ChangeData(number, () => volume.Write(number, offset, Pattern(length), in options, out _));
    }

    private Errno Truncate()
    {
        InodeNumber number = PickFile();
        int size = _random.Next(3) == 0 ? 0 : _random.Next(MostFileBytes);
        return ChangeData(number, () => volume.Truncate(number, size, default));
    }

    private Errno ChangeSpace()
    {
        InodeNumber number = PickFile();
        FallocateMode mode = _random.Next(5) switch
        {
            0 => FallocateMode.Allocate,
            1 => FallocateMode.Allocate | FallocateMode.KeepSize,
            2 => FallocateMode.ZeroRange | FallocateMode.KeepSize,
            _ => FallocateMode.PunchHole | FallocateMode.KeepSize,
        };
        int offset = _random.Next(MostFileBytes / 2);
        int length = _random.Next(1, MostFileBytes / 2);
        return ChangeData(number, () => volume.Allocate(number, mode, offset, length, default));
    }

    /// <summary>Also an operation that fails may have done a part.</summary>
    private Errno ChangeData(InodeNumber number, Func<Errno> change)
    {
        volume.GetAttributes(number, out InodeAttributes before);
        try
        {
            return change();
        }
        finally
        {
            Observing?.Invoke(true);
            _record.NoteData(in before);
            Observing?.Invoke(false);
        }
    }

    private Errno Forget()
    {
        if (_retained.Count > 0)
        {
            InodeNumber forgotten = _retained[_random.Next(_retained.Count)];
            _retained.Remove(forgotten);
            volume.Release(forgotten);
        }
        return Errno.Ok;
    }

    private Errno SyncOne()
    {
        InodeNumber number = _random.Next(3) == 0 ? PickDirectory() : PickFile();
        bool isDataOnly = _random.Next(2) == 0;
        Errno error = volume.GetAttributes(number, out InodeAttributes attributes);
        error = error == Errno.Ok ? SyncWaiter.Sync(volume, number, isDataOnly) : error;
        if (error == Errno.Ok)
        {
            _record.NoteSync(in attributes, isDataOnly);
        }
        return error;
    }

    private Errno SyncAll()
    {
        Errno error = volume.SyncAll();
        if (error == Errno.Ok)
        {
            _record.NoteSyncOfAll();
        }
        return error;
    }

    private InodeNumber PickDirectory() => _directories[_random.Next(_directories.Count)];

    /// <summary>Some file or, rarely, something else; one that was unlinked, too.</summary>
    private InodeNumber PickFile()
    {
        if (_retained.Count > 0 && _random.Next(8) == 0)
        {
            return _retained[_random.Next(_retained.Count)];
        }
        for (int i = 0; i < 8; i++)
        {
            if (volume.Lookup(PickDirectory(), RandomName(), out InodeNumber found) == Errno.Ok)
            {
                return found;
            }
        }
        return PickDirectory();
    }

    private byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)(FirstPattern + (Done % Patterns)));
        return bytes;
    }

    /// <summary>Few enough that operations meet; some so long that directories soon have more than one block.</summary>
    private byte[] RandomName()
    {
        int number = _random.Next(NameKinds);
        char letter = _hasCasefold && _random.Next(4) == 0 ? 'N' : 'n';
        return Encoding.ASCII.GetBytes($"{number}-" + new string(letter, number % 3 == 0 ? 230 : number));
    }
}
