namespace Fuse4fs.KernelTwin.Tracing;

/// <summary>One message, in the notation of the recordings.</summary>
public sealed class TraceEntry(string mark, string request)
{
    /// <summary>Who sent it: empty for the calling process, K a completion worker, F the flusher, A an asynchronous
    /// direct write, 0 no process.</summary>
    public string Mark { get; } = mark;

    /// <summary>For instance "B(W) 0+100".</summary>
    public string Request { get; } = request;

    /// <summary>For instance "U 0+4096" or "=> ENOSPC"; empty while unanswered or when nothing is to say.</summary>
    public string Answer { get; internal set; } = "";

    public override string ToString()
    {
        string head = Mark.Length == 0 ? Request : $"{Mark} {Request}";
        return Answer.Length == 0 ? head : Answer.StartsWith("=>", StringComparison.Ordinal)
            ? $"{head} {Answer}" : $"{head} -> {Answer}";
    }
}
