using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Mappings of one file on their way into the kernel's cache: one message each, handed over together.</summary>
/// <remarks>Used by one thread at a time; from <see cref="IomapConnection.RentBatch"/>, given back by Dispose. Nothing is
/// allocated by using it. Messages of a batch may take effect in any order: their ranges must not overlap.</remarks>
public sealed unsafe class MappingBatch : IDisposable
{
    /// <summary>Mappings in a batch.</summary>
    public const int Capacity = 512;

    private readonly IomapConnection _connection;

    /// <summary>What is the same in all of them is put in once.</summary>
    private readonly Message[] _messages = GC.AllocateArray<Message>(Capacity, pinned: true);
    private readonly Errno[] _results = new Errno[Capacity];
    private FileIdentity _file;

    internal MappingBatch(IomapConnection connection)
    {
        _connection = connection;
        Array.Fill(_messages, new Message
        {
            Header = new OutHeader { Length = (uint)sizeof(Message), Error = (int)NotifyCode.UpsertMappings },
            Body = new NotifyUpsertMappings { Write = connection.EncodeNoCache() },
        });
    }

    /// <summary>Between renting and giving back.</summary>
    internal bool IsRented { get; set; }

    /// <summary>Whose mappings these are.</summary>
    public FileIdentity File => _file;

    /// <summary>Mappings in it.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is no room for another one.</summary>
    public bool IsFull => Count == Capacity;

    /// <summary>Empties it, for mappings of this file.</summary>
    public void Start(FileIdentity file)
    {
        _file = file;
        Count = 0;
    }

    /// <summary>Adds a mapping, as the one to be used for reading and, in place, for writing.</summary>
    /// <returns>Again: it is full, send it first. Invalid: the mapping breaks a rule, which was logged.</returns>
    public Errno Add(in Mapping mapping)
    {
        if (Count == Capacity)
        {
            return Errno.Again;
        }
        if (!_connection.MayUpload(in _file, in mapping))
        {
            return Errno.Invalid;
        }
        ref Message message = ref _messages[Count++];
        message.Body.NodeId = _file.NodeId;
        message.Body.Inode = _file.Inode;
        _connection.Encode(in mapping, ref message.Body.Read);
        message.Body.Write.Offset = (ulong)mapping.Offset;
        message.Body.Write.Length = (ulong)mapping.Length;
        return Errno.Ok;
    }

    /// <summary>Hands all to the kernel. They stay in the batch, for asking what became of them, until it is started
    /// anew.</summary>
    /// <remarks>Hold no lock: the kernel takes locks of the file's cache.</remarks>
    /// <returns>The first error, see <see cref="ResultOf"/>. Stale: the kernel no longer knows the file.</returns>
    public Errno Send()
    {
        Span<Errno> results = _results.AsSpan(0, Count);
        try
        {
            fixed (Message* first = _messages)
            {
                _connection.Transport.WriteMessages((byte*)first, sizeof(Message), results);
            }
        }
        catch (ObjectDisposedException)
        {
            results.Fill(Errno.NotConnected);
        }
        foreach (Errno result in results)
        {
            if (result != Errno.Ok)
            {
                return result;
            }
        }
        return Errno.Ok;
    }

    /// <summary>What the kernel said to a mapping: Ok, NoMemory, Stale, ...</summary>
    public Errno ResultOf(int index) => _results.AsSpan(0, Count)[index];

    /// <summary>The range of a mapping in the file, bytes.</summary>
    public (long Offset, long Length) RangeOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        ref IomapRecord record = ref _messages[index].Body.Read;
        return ((long)record.Offset, (long)record.Length);
    }

    /// <summary>Gives it back.</summary>
    public void Dispose()
    {
        if (IsRented)
        {
            IsRented = false;
            Count = 0;
            _connection.Return(this);
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    private struct Message
    {
        public OutHeader Header;
        public NotifyUpsertMappings Body;
    }
}
