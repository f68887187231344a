using System.Buffers.Binary;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Server.Tests.Crash;

/// <summary>Threads whose fsyncs overlap: each appends numbers to a file of its own and to one that all share, and puts
/// new files in the place of old ones, and remembers what it was promised.</summary>
internal sealed class SyncedWriters(int count)
{
    private const int RecordBytes = 8;

    private readonly Promise[] _promises = [.. Enumerable.Range(0, count).Select(_ => new Promise())];

    /// <summary>They write until the mount fails.</summary>
    public IEnumerable<Task> Start(HostPath directory) => _promises.Select((promise, index) =>
        Task.Factory.StartNew(() => Write(directory, index, promise), TaskCreationOptions.LongRunning));

    /// <summary>Everything promised is there.</summary>
    public void Check(HostPath directory)
    {
        for (int index = 0; index < count; index++)
        {
            Promise promise = _promises[index];
            CheckOwn(directory, index, promise);
            if (promise.Replaced > 0)
            {
                Assert.InRange(ReadOne(directory.Child($"replaced{index}")), promise.Replaced, promise.Own);
            }
        }
    }

    private static void Write(HostPath directory, int index, Promise promise)
    {
        promise.Next = promise.Own;     // what was written and not promised is written again
        int own = Posix.Open(directory.Child($"own{index}"), OpenMode.ReadWrite | OpenMode.Create, 0x1A4);
        int shared = Posix.Open(directory.Child("shared"), OpenMode.ReadWrite | OpenMode.Create, 0x1A4);
        int names = Posix.Open(directory, OpenMode.Read | OpenMode.Directory);
        while (WriteOne(directory, index, promise, own, shared, names))
        {
        }
        Posix.Close(own);
        Posix.Close(shared);
        Posix.Close(names);
    }

    private static bool WriteOne(HostPath directory, int index, Promise promise, int own, int shared, int names)
    {
        byte[] record = new byte[RecordBytes];
        BinaryPrimitives.WriteInt64LittleEndian(record, promise.Next);
        bool isWritten = Posix.Write(own, record, promise.Next * RecordBytes) == RecordBytes
            && Posix.Write(shared, record, (promise.Next * 64) + (index * RecordBytes)) == RecordBytes;
        promise.Next++;
        if (!isWritten || (promise.Next % 2 == 0 ? Posix.Sync(own) : Posix.SyncData(own)) != 0)
        {
            return false;
        }
        promise.Own = promise.Next;
        if (promise.Next % 5 != 0)
        {
            return true;
        }
        HostPath fresh = directory.Child($"fresh{index}");
        int descriptor = Posix.Open(fresh, OpenMode.ReadWrite | OpenMode.Create | OpenMode.Truncate, 0x1A4);
        bool isSynced = Posix.Write(descriptor, record, 0) == RecordBytes && Posix.Sync(descriptor) == 0;
        Posix.Close(descriptor);
        if (isSynced && Posix.Rename(fresh, directory.Child($"replaced{index}")) == 0 && Posix.SyncData(names) == 0)
        {
            promise.Replaced = promise.Next - 1;
            return true;
        }
        return false;
    }

    private static void CheckOwn(HostPath directory, int index, Promise promise)
    {
        int own = Posix.Open(directory.Child($"own{index}"), OpenMode.Read);
        Assert.True(own >= 0 || promise.Own == 0, $"own{index}: {own}");
        byte[] record = new byte[RecordBytes];
        for (long number = 0; number < promise.Own; number++)
        {
            bool isThere = Posix.Read(own, record, number * RecordBytes) == RecordBytes;
            Assert.True(isThere, $"own{index} ends at {number} of {promise.Own}");
            Assert.Equal(number, BinaryPrimitives.ReadInt64LittleEndian(record));
        }
        Posix.Close(own);
    }

    private static long ReadOne(HostPath path)
    {
        byte[] record = new byte[RecordBytes];
        int descriptor = Posix.Open(path, OpenMode.Read);
        Assert.True(descriptor >= 0, $"{path}: {descriptor}");
        Assert.Equal(RecordBytes, Posix.Read(descriptor, record, 0));
        Posix.Close(descriptor);
        return BinaryPrimitives.ReadInt64LittleEndian(record);
    }

    /// <summary>What one thread was told. Survives the rounds: numbers go on.</summary>
    private sealed class Promise
    {
        /// <summary>The next number to be written.</summary>
        public long Next { get; set; }

        /// <summary>Numbers below are in the thread's own file.</summary>
        public long Own { get; set; }

        /// <summary>The replaced file holds this one at least.</summary>
        public long Replaced { get; set; }
    }
}
