namespace Fuse4fs.Bench.Systems;

/// <summary>One file system under test.</summary>
internal interface IBenchSystem
{
    /// <summary>Its name in options and results.</summary>
    string Name { get; }

    /// <summary>One line on what is run, with versions and options.</summary>
    string Description { get; }

    /// <summary>Mounts a private copy of the image; returns when the mount answers.</summary>
    /// <exception cref="BenchException">The mount did not appear.</exception>
    IMountedSystem Mount(string image, string mountPoint, bool isWritable);
}
