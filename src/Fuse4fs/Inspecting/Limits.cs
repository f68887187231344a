namespace Fuse4fs.Inspecting;

/// <summary>Sizes of buffers that must hold whatever a valid image has.</summary>
internal static class Limits
{
    /// <summary>PATH_MAX: a symbolic link's target with a terminating zero.</summary>
    public const int MostTargetBytes = 4096;
}
