using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Asks an opened volume everything it can be asked while reading. Damage is expected; anything else that is
/// thrown, and every error nobody documents, is a failure.</summary>
internal sealed class EngineWalk(Volume volume, Random random)
{
    private const int MostRuns = 3000;
    private const int MostSeeks = 1000;
    private const int MostNames = 5000;
    private const int XattrBytes = 65536;

    private static readonly HashSet<Errno> s_documented =
    [
        Errno.Ok, Errno.NoEntry, Errno.Stale, Errno.NotDirectory, Errno.IsDirectory, Errno.Invalid, Errno.NoData,
        Errno.Range, Errno.NotSupported, Errno.NoKey, Errno.NameTooLong, Errno.NoDeviceAddress, Errno.Corrupted,
    ];

    private readonly byte[] _buffer = new byte[XattrBytes];
    private readonly byte[] _name = new byte[256];

    /// <summary>Everything: the tree, then every inode by number.</summary>
    public void Run()
    {
        Guard(() => volume.Statistics());
        Guard(() => volume.GetLabel(_buffer));
        WalkTree();
        uint last = Math.Min(volume.Context.Geometry.InodeCount, 4096);
        for (uint number = 0; number <= last + 1; number++)
        {
            VisitInode(new InodeNumber(number));
        }
        VisitInode(new InodeNumber(uint.MaxValue));
    }

    private void WalkTree()
    {
        var walk = new TreeWalk(volume, InodeNumber.Root, [], new Problems(TextWriter.Null));
        for (int names = 0; names < MostNames && walk.MoveNext(); names++)
        {
            InodeNumber inode = walk.Inode;
            Guard(() =>
            {
                if (Known(volume.GetAttributes(inode, out InodeAttributes attributes)) == Errno.Ok
                    && attributes.Kind == FileKind.Directory)
                {
                    walk.Enter();
                }
            });
            LookUpAgain(walk);
        }
    }

    /// <summary>The last name of the path, in a directory that has it or not.</summary>
    private void LookUpAgain(TreeWalk walk)
    {
        ReadOnlySpan<byte> path = walk.Path;
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        int length = Math.Min(name.Length, _name.Length);
        name[..length].CopyTo(_name);
        InodeNumber directory = random.Next(4) == 0 ? InodeNumber.Root : walk.Inode;
        Guard(() => Known(volume.Lookup(directory, _name.AsSpan(0, length), out InodeNumber _)));
        Guard(() => Known(volume.Lookup(InodeNumber.Root, "no such name"u8, out InodeNumber _)));
    }

    private void VisitInode(InodeNumber number)
    {
        InodeAttributes attributes = default;
        bool isThere = false;
        Guard(() => isThere = Known(volume.GetAttributes(number, out attributes)) == Errno.Ok);
        if (!isThere)
        {
            return;
        }
        Guard(() => XattrList.Read(volume, in attributes));
        Guard(() => Known(volume.GetXattr(number, "user.absent"u8, _buffer, out int _)));
        Guard(() => Known(volume.ReadLink(number, _buffer, out int _)));
        Guard(() => WalkRuns(number));
        Guard(() => WalkHoles(number, attributes.SizeBytes));
        Guard(() => ReadParts(number, attributes.SizeBytes));
        Guard(() => Known(volume.BlockMap(number, (ulong)random.Next(), out ulong _)));
        Guard(() => ListFromAnywhere(number));
    }

    private void WalkRuns(InodeNumber number)
    {
        ulong block = 0;
        for (int runs = 0; runs < MostRuns && block < uint.MaxValue; runs++)
        {
            if (Known(volume.FindRun(number, (uint)block, out MapRun run)) != Errno.Ok || run.Kind == RunKind.Inline)
            {
                return;
            }
            if (run.First != block || run.LengthBlocks == 0)
            {
                throw new MutantFailedException($"map of inode {number} at {block} answers {run}");
            }
            block = run.End;
        }
    }

    private void WalkHoles(InodeNumber number, long size)
    {
        long at = 0;
        for (int seeks = 0; seeks < MostSeeks && at < size; seeks++)
        {
            if (Known(volume.Seek(number, at, SeekKind.Data, out long data)) != Errno.Ok
                || Known(volume.Seek(number, data, SeekKind.Hole, out long hole)) != Errno.Ok)
            {
                return;
            }
            if (data < at || hole <= data || hole > size)
            {
                throw new MutantFailedException($"inode {number}: from {at} data at {data}, hole at {hole} of {size}");
            }
            at = hole;
        }
    }

    private void ReadParts(InodeNumber number, long size)
    {
        Span<DataRun> runs = stackalloc DataRun[16];
        long[] places = [0, Math.Max(0, size - 3000), size, size / 2, long.MaxValue - 10, random.NextInt64()];
        foreach (long place in places)
        {
            Errno error = Known(volume.Read(number, place, _buffer.AsSpan(0, 20_000), out int count));
            if (error == Errno.Ok && (count < 0 || count > 20_000 || (place < size && count == 0)))
            {
                throw new MutantFailedException($"inode {number}: {count} bytes read at {place} of {size}");
            }
            if (Known(volume.MapForRead(number, place, 1 << 20, runs, out int found, out int bytes)) == Errno.Ok)
            {
                CheckRuns(runs[..found], bytes, number);
            }
            if (error != Errno.Ok)
            {
                return;
            }
        }
    }

    private void CheckRuns(ReadOnlySpan<DataRun> runs, int bytes, InodeNumber number)
    {
        long sum = 0;
        foreach (DataRun run in runs)
        {
            bool isInside = run.IsZeros
                || (run.DeviceOffsetBytes >= 0 && run.LengthBytes > 0
                    && (ulong)run.DeviceOffsetBytes + (ulong)run.LengthBytes
                        <= volume.Context.Geometry.BlockCount << volume.Context.Geometry.BlockSizeShift);
            if (!isInside)
            {
                throw new MutantFailedException($"inode {number}: data run {run} is outside the volume");
            }
            sum += run.LengthBytes;
        }
        if (sum != bytes)
        {
            throw new MutantFailedException($"inode {number}: runs of {sum} bytes are said to have {bytes}");
        }
    }

    private void ListFromAnywhere(InodeNumber number)
    {
        var batch = new DirectoryBatch();
        ulong cookie = random.Next(3) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(4096);
        Known(volume.ReadDirectory(number, cookie, ref batch));
    }

    private static Errno Known(Errno error) =>
        s_documented.Contains(error) ? error : throw new MutantFailedException($"undocumented error {error}");

    /// <summary>Damage and reads behind the end of a device that was cut short are what mutants are about.</summary>
    private static void Guard(Action question)
    {
        try
        {
            question();
        }
        catch (Exception expected) when (expected is Ext4CorruptException or DeviceException or InspectionException)
        {
            // Refused, as it should be.
        }
    }
}
