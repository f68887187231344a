namespace Fuse4fs.KernelTwin.Transport;

/// <summary>The size a successful reply has.</summary>
/// <param name="Bytes">Of the body; exactly, or at most.</param>
/// <param name="MayBeShorter">The last argument has a variable length.</param>
internal readonly record struct ReplyForm(int Bytes, bool MayBeShorter = false)
{
    public static ReplyForm Empty => new(0);
}
