using Fuse4fs.Ext4.Storage;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Sources;

/// <summary>The further members of a striped set: each opened and claimed as an image of its own is.</summary>
internal sealed class StripedSource : IDisposable
{
    private readonly List<ImageSource> _others = [];

    private StripedSource()
    {
    }

    /// <summary>All members but the first.</summary>
    public IReadOnlyList<ImageSource> Others => _others;

    /// <summary>The whole set.</summary>
    public StripedDevice Device { get; private set; } = null!;

    /// <summary>A line for the user about members whose place nothing proves; null when all are proven.</summary>
    public string? Notice { get; private set; }

    /// <summary>Opens the set.</summary>
    /// <param name="options">With members.</param>
    /// <param name="first">The first member, opened.</param>
    /// <exception cref="MountRefusedException">A member is missing, in use, too short, or not in its place.</exception>
    public static StripedSource Open(ServeOptions options, ImageSource first)
    {
        var source = new StripedSource();
        try
        {
            foreach (string member in options.StripeMembers)
            {
                source._others.Add(ImageSource.Open(options with { Source = member, StripeMembers = [] }));
            }
            source.Device = new StripedDevice(
                [first.Image, .. source._others.Select(other => other.Image)], options.StripeWidthBytes);
            string[] names = [options.Source, .. options.StripeMembers];
            string? problem = StripeCheck.FindProblem(source.Device, names, out IReadOnlyList<string> unproven);
            if (problem is not null)
            {
                throw new MountRefusedException(problem);
            }
            source.Notice = unproven.Count == 0
                ? null
                : $"nothing on {string.Join(", ", unproven)} proves its place in the set";
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Tells every member whom to call before it waits for the medium.</summary>
    public void SetWaiting(Action waiting)
    {
        foreach (ImageSource other in _others)
        {
            other.Image.Waiting = waiting;
        }
    }

    /// <summary>Lets others have the members.</summary>
    public void Dispose()
    {
        foreach (ImageSource other in _others)
        {
            other.Dispose();
        }
    }
}
