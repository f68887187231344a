namespace Fuse4fs.Ext4.Journaling;

/// <summary>The seam for a test that decides which thread of the journal runs next.</summary>
internal interface IJournalScheduler : IJournalThreads
{
    /// <summary>The caller is about to take the gate.</summary>
    void Entering();

    /// <summary>Waits until <see cref="PulseAll"/>; the caller holds the gate again afterwards.</summary>
    /// <param name="gate">The monitor that the caller holds.</param>
    /// <param name="place">Which pulses end the wait.</param>
    /// <param name="isTimed">The wait may also end by itself.</param>
    void Wait(object gate, object place, bool isTimed);

    /// <summary>Ends all waits at a place.</summary>
    void PulseAll(object place);
}
