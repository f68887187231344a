namespace Fuse4fs.Fuse;

/// <summary>What came of waiting for a request.</summary>
public enum ReadOutcome
{
    /// <summary>A request is in the buffer.</summary>
    Request,

    /// <summary>Nothing: the request was withdrawn or a signal came. Read again.</summary>
    Retry,

    /// <summary>Nothing is there now, and this transport was told not to wait.</summary>
    Nothing,

    /// <summary>The file system was unmounted or the connection aborted.</summary>
    Ended,

    /// <summary>The kernel refused the read for a reason that will not pass. The session ends.</summary>
    Failed,
}
