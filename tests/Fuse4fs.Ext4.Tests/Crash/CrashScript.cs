using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Operations that a test names one by one, recorded; each must succeed.</summary>
internal sealed class CrashScript(Volume volume, RecordingDevice device)
{
    private CrashRecord? _record;

    public Volume Volume => volume;

    /// <summary>What happened since <see cref="Start"/>.</summary>
    public CrashRecord Record => _record!;

    /// <summary>Everything so far is durable and does not count; what comes is recorded.</summary>
    public void Start()
    {
        Assert.Equal(Errno.Ok, volume.SyncAll());
        device.Restart();
        _record = new CrashRecord(volume, device);
    }

    public static byte[] Name(string text) => Encoding.ASCII.GetBytes(text);

    public InodeNumber Create(InodeNumber parent, string name, bool isRetained = false)
    {
        _record?.Begin();
        var caller = new Caller(0, 0, Retains: isRetained);
        Assert.Equal(Errno.Ok, volume.Create(parent, Name(name), 0x1A4, in caller, out InodeAttributes made));
        _record?.NoteNew(in made);
        End(parent, made.Number);
        return made.Number;
    }

    public InodeNumber MakeDirectory(InodeNumber parent, string name)
    {
        _record?.Begin();
        Assert.Equal(Errno.Ok,
            volume.MakeDirectory(parent, Name(name), 0x1ED, new Caller(0, 0), out InodeAttributes made));
        End(parent, made.Number);
        return made.Number;
    }

    public void Write(InodeNumber file, long offset, int length, byte pattern)
    {
        _record?.Begin();
        byte[] data = new byte[length];
        Array.Fill(data, pattern);
        ChangeData(file, () => volume.Write(file, offset, data, default, out _));
    }

    public void Truncate(InodeNumber file, long size)
    {
        _record?.Begin();
        ChangeData(file, () => volume.Truncate(file, size, default));
    }

    public void Rename(
        InodeNumber from, string oldName, InodeNumber to, string newName, RenameFlags flags = RenameFlags.None)
    {
        volume.Lookup(from, Name(oldName), out InodeNumber moved);
        volume.Lookup(to, Name(newName), out InodeNumber target);
        Do(
            () => volume.Rename(from, Name(oldName), to, Name(newName), flags, new Caller(0, 0)),
            from, to, moved, target);
    }

    public void Unlink(InodeNumber parent, string name)
    {
        volume.Lookup(parent, Name(name), out InodeNumber victim);
        Do(() => volume.Unlink(parent, Name(name)), parent, victim);
    }

    public void Link(InodeNumber file, InodeNumber parent, string name) =>
        Do(() => volume.Link(file, parent, Name(name), new Caller(0, 0), out _), file, parent);

    /// <summary>Any operation that changes names or attributes in one handle.</summary>
    public void Do(Func<Errno> operation, params InodeNumber[] changed)
    {
        _record?.Begin();
        Assert.Equal(Errno.Ok, operation());
        End(changed);
    }

    public void Sync(InodeNumber number, bool isDataOnly = false)
    {
        Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
        Assert.Equal(Errno.Ok, SyncWaiter.Sync(volume, number, isDataOnly));
        _record?.NoteSync(in attributes, isDataOnly);
    }

    public void SyncAll()
    {
        Assert.Equal(Errno.Ok, volume.SyncAll());
        _record?.NoteSyncOfAll();
    }

    private void ChangeData(InodeNumber file, Func<Errno> change)
    {
        Assert.Equal(Errno.Ok, volume.GetAttributes(file, out InodeAttributes before));
        Assert.Equal(Errno.Ok, change());
        _record?.NoteData(in before);
        _record?.End();
    }

    private void End(params ReadOnlySpan<InodeNumber> changed)
    {
        _record?.NoteChange(changed);
        _record?.End();
    }
}
