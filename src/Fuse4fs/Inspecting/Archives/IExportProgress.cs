namespace Fuse4fs.Inspecting.Archives;

/// <summary>Hears how far an export is.</summary>
internal interface IExportProgress
{
    /// <summary>An entry was finished.</summary>
    /// <param name="dataBytes">Bytes of its data.</param>
    void Advanced(long dataBytes);
}
