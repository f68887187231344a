using System.Text;

namespace Fuse4fs.Testing.Native;

/// <summary>A path of the host as bytes: names on ext4 need not be text.</summary>
public readonly struct HostPath
{
    private readonly byte[] _terminated;

    private HostPath(byte[] terminated) => _terminated = terminated;

    /// <summary>A path given as text.</summary>
    public HostPath(string path) : this([.. Encoding.UTF8.GetBytes(path), 0])
    {
    }

    /// <summary>The bytes with the closing zero.</summary>
    public ReadOnlySpan<byte> Terminated => _terminated;

    /// <summary>Something in this directory.</summary>
    public HostPath Child(ReadOnlySpan<byte> name) => new([.. _terminated.AsSpan(..^1), (byte)'/', .. name, 0]);

    /// <summary>Something in this directory.</summary>
    public HostPath Child(string name) => Child(Encoding.UTF8.GetBytes(name));

    /// <summary>For messages; bytes that are no ASCII are escaped.</summary>
    public override string ToString() => ByteText.Escape(_terminated.AsSpan(..^1));
}
