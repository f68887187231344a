namespace Fuse4fs.Ext4.Journaling;

/// <summary>Threads of the operating system.</summary>
internal sealed class JournalThreads : IJournalThreads
{
    private readonly List<Thread> _threads = [];

    /// <inheritdoc/>
    public void Start(string name, Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.Start();
    }

    /// <inheritdoc/>
    public void Join(string name) => _threads.Find(thread => thread.Name == name)?.Join();
}
