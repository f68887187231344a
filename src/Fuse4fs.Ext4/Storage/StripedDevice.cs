namespace Fuse4fs.Ext4.Storage;

/// <summary>Several devices as one, in strips that take turns.</summary>
public sealed class StripedDevice : IBlockDevice
{
    private readonly IBlockDevice[] _members;

    /// <summary>Takes the members over.</summary>
    /// <param name="members">In their order, 2 or more.</param>
    /// <param name="widthBytes">See <see cref="StripeLayout"/>.</param>
    public StripedDevice(IBlockDevice[] members, long widthBytes)
    {
        Layout = new StripeLayout(members.Length, widthBytes);
        _members = members;
        LengthBytes = Layout.Length([.. members.Select(member => member.LengthBytes)]);
        IsReadOnly = members.Any(member => member.IsReadOnly);
    }

    /// <summary>Which byte is where.</summary>
    public StripeLayout Layout { get; }

    /// <summary>In their order.</summary>
    public IReadOnlyList<IBlockDevice> Members => _members;

    /// <inheritdoc/>
    public long LengthBytes { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <inheritdoc/>
    public long WrittenBytes => _members.Sum(member => member.WrittenBytes);

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "read");
        while (!buffer.IsEmpty)
        {
            int member = Layout.Find(offsetBytes, out long offset, out long rest);
            int count = (int)Math.Min(rest, buffer.Length);
            _members[member].Read(offset, buffer[..count]);
            offsetBytes += count;
            buffer = buffer[count..];
        }
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "write");
        while (!buffer.IsEmpty)
        {
            int member = Layout.Find(offsetBytes, out long offset, out long rest);
            int count = (int)Math.Min(rest, buffer.Length);
            _members[member].Write(offset, buffer[..count]);
            offsetBytes += count;
            buffer = buffer[count..];
        }
    }

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        long total = 0;
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            total += buffer.Length;
        }
        CheckRange(offsetBytes, total, "write");
        var pieces = new List<ReadOnlyMemory<byte>>();
        long start = offsetBytes;
        int member = Layout.Find(start, out _, out long rest);
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            ReadOnlyMemory<byte> left = buffer;
            while (!left.IsEmpty)
            {
                int count = (int)Math.Min(rest, left.Length);
                pieces.Add(left[..count]);
                left = left[count..];
                rest -= count;
                offsetBytes += count;
                if (rest == 0)
                {
                    WritePieces(member, start, pieces);
                    start = offsetBytes;
                    member = Layout.Find(start, out _, out rest);
                }
            }
        }
        WritePieces(member, start, pieces);
    }

    /// <inheritdoc/>
    /// <remarks>All of them, also after one has failed: what the others have must not be lost with it.</remarks>
    public void Flush()
    {
        DeviceException? failure = null;
        foreach (IBlockDevice member in _members)
        {
            try
            {
                member.Flush();
            }
            catch (DeviceException problem)
            {
                failure ??= problem;
            }
        }
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <inheritdoc/>
    public void ReadAhead(long offsetBytes, long lengthBytes)
    {
        long length = Math.Min(lengthBytes, LengthBytes - offsetBytes);
        if (length > 0)
        {
            ForEach(offsetBytes, length, static (member, offset, count) => member.ReadAhead(offset, count));
        }
    }

    /// <inheritdoc/>
    public void Forget(long offsetBytes, long lengthBytes)
        => ForEach(offsetBytes, lengthBytes, static (member, offset, count) => member.Forget(offset, count));

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        CheckRange(offsetBytes, lengthBytes, "discard");
        ForEach(offsetBytes, lengthBytes, static (member, offset, count) => member.Discard(offset, count));
    }

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes)
    {
        CheckRange(offsetBytes, lengthBytes, "zeroing");
        ForEach(offsetBytes, lengthBytes, static (member, offset, count) => member.WriteZeros(offset, count));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IBlockDevice member in _members)
        {
            member.Dispose();
        }
    }

    private void WritePieces(int member, long start, List<ReadOnlyMemory<byte>> pieces)
    {
        if (pieces.Count == 0)
        {
            return;
        }
        _ = Layout.Find(start, out long offset, out _);
        _members[member].WriteVectored(offset, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pieces));
        pieces.Clear();
    }

    private void ForEach(long offsetBytes, long lengthBytes, Action<IBlockDevice, long, long> action)
    {
        for (int i = 0; i < _members.Length; i++)
        {
            long from = Layout.Before(i, offsetBytes);
            long to = Layout.Before(i, offsetBytes + lengthBytes);
            if (to > from)
            {
                action(_members[i], from, to - from);
            }
        }
    }

    private void CheckRange(long offsetBytes, long lengthBytes, string what)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || lengthBytes > LengthBytes - offsetBytes)
        {
            throw new DeviceException(Linux.Errno.InputOutput, $"{what} at byte {offsetBytes}, beyond the set's end");
        }
    }
}
