using Microsoft.Win32.SafeHandles;

namespace Fuse4fs.Linux;

/// <summary>Owns one file descriptor; closed exactly once.</summary>
public sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    /// <summary>For the marshaller.</summary>
    public FileDescriptor() : base(ownsHandle: true)
    {
    }

    /// <summary>Takes ownership of <paramref name="descriptor"/>.</summary>
    public FileDescriptor(int descriptor, bool ownsHandle = true) : base(ownsHandle) => SetHandle(descriptor);

    /// <summary>open(2) returns a 32-bit -1, which the marshaller hands over without extending its sign.</summary>
    public override bool IsInvalid => unchecked((int)handle) < 0;

    /// <summary>The number itself, for calls that put it into a structure. Valid while this object is alive.</summary>
    public int Number => unchecked((int)handle);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.CloseNumber((int)handle) == 0;
}
