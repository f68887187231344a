using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>Where the null server's files keep their data when the kernel moves it. The caller holds no gate.</summary>
internal interface IFileSpace
{
    /// <summary>SETATTR and OPEN with a new size.</summary>
    void Resize(NullNode file, long size);

    Errno Allocate(NullNode file, in FallocateIn request);

    /// <summary>Nobody knows the file any more.</summary>
    void Remove(NullNode file);

    void Describe(ref StatFsOut answer);
}
