using System.CommandLine;
using System.Globalization;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Options;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs stripe split|join: makes a striped set of an image, and an image of a set.</summary>
internal static class StripeCommand
{
    private const int ChunkBytes = 1 << 20;

    public static Command Create()
    {
        var stripe = new Command("stripe", "Spreads an image over several files in strips that take turns, or joins them.");
        stripe.Subcommands.Add(Create("split", "Makes the members of a set out of an image.", "a file to be made", Split));
        stripe.Subcommands.Add(Create("join", "Makes an image out of the members of a set.", "in their order", Join));
        return stripe;
    }

    private static Command Create(
        string name, string description, string members, Action<string, string[], long> action)
    {
        var image = new Argument<string>("IMAGE") { Description = name == "split" ? "the image" : "the image to be made" };
        var member = new Argument<string[]>("MEMBER")
        {
            Description = $"a member of the set, {members}",
            Arity = new ArgumentArity(2, StripeLayout.MostMembers),
        };
        var width = new Option<string>("--width")
        {
            Description = "length of a strip: a power of two, 4K or more (64K)",
            DefaultValueFactory = static _ => "64K",
        };
        var command = new Command(name, description) { image, member, width };
        command.SetAction(result =>
        {
            try
            {
                action(result.GetRequiredValue(image), result.GetRequiredValue(member), Width(result.GetValue(width)!));
                return ExitCodes.Success;
            }
            catch (Exception failure) when (failure is IOException or DeviceException)
            {
                return ExitCodes.Report(failure.Message, ExitCodes.MountFailed);
            }
        });
        return command;
    }

    private static void Split(string image, string[] members, long width)
    {
        using ImageFile source = Open(image, isReadOnly: true);
        var layout = new StripeLayout(members.Length, width);
        Making(members, i => layout.Before(i, source.LengthBytes), () =>
        {
            using var set = new StripedDevice([.. members.Select(member => Open(member, isReadOnly: false))], width);
            Copy(source, set, source.LengthBytes);
        });
    }

    private static void Join(string image, string[] members, long width)
    {
        using var set = new StripedDevice([.. members.Select(member => Open(member, isReadOnly: true))], width);
        string? problem = StripeCheck.FindProblem(set, members, out IReadOnlyList<string> unproven);
        if (problem is not null)
        {
            throw new IOException(problem);
        }
        if (unproven.Count > 0)
        {
            Console.Error.WriteLine($"fuse4fs: nothing on {string.Join(", ", unproven)} proves its place in the set");
        }
        Making([image], _ => set.LengthBytes, () =>
        {
            using ImageFile target = Open(image, isReadOnly: false);
            Copy(set, target, set.LengthBytes);
        });
    }

    /// <summary>Makes files that are not there yet; none of them stays when the work fails.</summary>
    private static void Making(string[] paths, Func<int, long> length, Action work)
    {
        var made = new List<string>();
        try
        {
            for (int i = 0; i < paths.Length; i++)
            {
                using FileDescriptor file = Make(paths[i]);
                made.Add(paths[i]);
                if (LibC.FTruncate(file, length(i)) != 0)
                {
                    throw new IOException($"{paths[i]}: {LibC.LastError}");
                }
            }
            work();
        }
        catch
        {
            made.ForEach(File.Delete);
            throw;
        }
    }

    private static FileDescriptor Make(string path)
    {
        const int ownersFile = 0x1A4;
        FileDescriptor file = LibC.Open(
            path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec, ownersFile);
        Errno error = LibC.LastError;
        return !file.IsInvalid ? file : throw new IOException(error switch
        {
            Errno.Exists => $"{path}: exists already",
            Errno.NoEntry => $"{path}: no such directory",
            Errno.AccessDenied => $"{path}: no permission",
            _ => $"{path}: {error}",
        });
    }

    /// <summary>Zeros are not written: they are holes.</summary>
    private static void Copy(IBlockDevice from, IBlockDevice to, long length)
    {
        byte[] chunk = new byte[ChunkBytes];
        for (long offset = 0; offset < length; offset += ChunkBytes)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(ChunkBytes, length - offset));
            from.Read(offset, part);
            if (part.ContainsAnyExcept((byte)0))
            {
                to.Write(offset, part);
            }
        }
        to.Flush();
    }

    private static ImageFile Open(string path, bool isReadOnly)
    {
        Errno error = ImageFile.Open(path, isReadOnly, 0, isExclusive: false, out ImageFile? image);
        return error == Errno.Ok ? image! : throw new IOException(error switch
        {
            Errno.NoEntry => $"{path}: no such file",
            Errno.AccessDenied => $"{path}: no permission",
            _ => $"{path}: {error}",
        });
    }

    private static long Width(string text)
    {
        int shift = char.ToLowerInvariant(text.Length > 0 ? text[^1] : '0') switch { 'k' => 10, 'm' => 20, 'g' => 30, _ => 0 };
        string digits = shift == 0 ? text : text[..^1];
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number <= 1 << 20 && StripeLayout.IsWidth(number << shift)
            ? number << shift
            : throw new UsageException($"--width {text}: a power of two of at least 4K is expected");
    }
}
