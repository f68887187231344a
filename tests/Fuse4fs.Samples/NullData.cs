namespace Fuse4fs.Samples;

/// <summary>Ways to answer a READ, to measure one against the other.</summary>
internal enum NullData
{
    /// <summary>Zeros that are always there: the floor.</summary>
    Zeros,

    /// <summary>pread into the reply's buffer, then write.</summary>
    Pread,

    /// <summary>writev straight from a mapping of the file.</summary>
    Mapping,
}
