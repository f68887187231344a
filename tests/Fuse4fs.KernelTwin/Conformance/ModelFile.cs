namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>What a file must hold.</summary>
public sealed class ModelFile
{
    private byte[] _data = [];

    public byte[] Content => _data;

    public int Size => _data.Length;

    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length > _data.Length)
        {
            Array.Resize(ref _data, (int)(offset + data.Length));
        }
        data.CopyTo(_data.AsSpan((int)offset));
    }

    public void Resize(long size) => Array.Resize(ref _data, (int)size);

    /// <summary>Zeros inside the file; a range beyond its end grows it only if asked.</summary>
    public void Zero(long offset, long length, bool grows)
    {
        long end = offset + length;
        if (grows && end > _data.Length)
        {
            Resize(end);
        }
        long last = Math.Min(end, _data.Length);
        if (offset < last)
        {
            _data.AsSpan((int)offset, (int)(last - offset)).Clear();
        }
    }
}
