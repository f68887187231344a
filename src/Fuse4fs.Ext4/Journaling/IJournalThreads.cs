namespace Fuse4fs.Ext4.Journaling;

/// <summary>Starts and ends the journal's own threads.</summary>
internal interface IJournalThreads
{
    /// <summary>Starts a thread.</summary>
    void Start(string name, Action body);

    /// <summary>Waits for the end of a thread started here.</summary>
    void Join(string name);
}
