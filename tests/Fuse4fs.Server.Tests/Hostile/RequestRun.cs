using System.Runtime.ExceptionServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Server.Sources;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Fuzzing;
using Serilog.Core;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>One volume, served to a hostile kernel for one chain of requests. The image is whole: whatever the kernel
/// asks, no structure of it may appear damaged, nothing foreign may be thrown, and afterwards e2fsck finds
/// nothing.</summary>
internal sealed class RequestRun
{
    /// <summary>Each number of a chain stands for so many requests.</summary>
    private const int Burst = 16;

    /// <summary>Many times what the longest chain takes on a busy machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly KernelMemory _memory = new();

    /// <summary>What is under way, for people.</summary>
    private string _now = "opening";

    /// <summary>Thrown by any thread, caught by somebody or not.</summary>
    private string? _foreign;

    private RequestRun()
    {
    }

    /// <summary>Requests answered.</summary>
    public int Answered { get; private set; }

    /// <summary>Those that were not refused.</summary>
    public int Succeeded { get; private set; }

    /// <summary>Runs a chain.</summary>
    /// <param name="chain">Whose seed says how the volume is mounted.</param>
    /// <param name="image">Of the chain's seed; used up.</param>
    /// <exception cref="OracleException">Something happened that must not.</exception>
    /// <exception cref="DeadlineException">Something did not end: threads and files of the run are left behind.</exception>
    public static RequestRun Run(MutationChain chain, string image)
    {
        var run = new RequestRun();
        AppDomain.CurrentDomain.FirstChanceException += run.Note;
        try
        {
            RequestSeed seed = RequestSeed.All[chain.Seed % RequestSeed.All.Count];
            Deadline.Run(s_patience, () => run.Serve(chain, image, seed), () => run._now);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= run.Note;
        }
        E2fsck.AssertClean(image);
        return run;
    }

    /// <summary>The server's threads are known by their names; what other tests throw meanwhile, or opening the image where
    /// loop devices come and go, is not meant.</summary>
    private void Note(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        bool isServing = Thread.CurrentThread.Name?.StartsWith("fuse", StringComparison.Ordinal) == true;
        if (isServing && thrown.Exception is not (OracleException or OperationCanceledException))
        {
            string trace = string.Join('\n', Environment.StackTrace.Split('\n').Skip(2).Take(12));
            _foreign ??= $"{thrown.Exception.GetType().Name}: {thrown.Exception.Message}\n{trace}";
        }
    }

    private void Serve(MutationChain chain, string image, RequestSeed seed)
    {
        ServeOptions options = seed.Options(image);
        bool isReadOnly = seed.IsReadOnly;
        using ImageSource source = ImageSource.Open(options);
        Volume volume = Volume.Open(source.Image, EngineOptions.Create(options, isReadOnly, new SilentEvents()));
        using (volume)
        using (var server = new ServedVolume(volume, options, source, isReadOnly, Logger.None))
        {
            var kernel = new HostileKernel();
            using var session = new FuseSession(kernel, new VolumeRequests(server), new SessionOptions
            {
                Capabilities = MountPlan.Capabilities(options, isReadOnly, isPrivate: false),
                Workers = 1,
                ExtraWorkers = 0,
            });
            try
            {
                Greet(kernel, session);
                Send(kernel, chain.Numbers);
            }
            catch (DeadlineException failure)
            {
                // Closing would wait for the same; the one who waits for this thread is told.
                _now = $"{_now}: {failure.Message}";
            }
            finally
            {
                kernel.End();
            }
            session.WaitForEnd();
            server.Requests.Close();
        }
    }

    private static void Greet(HostileKernel kernel, FuseSession session)
    {
        var init = new InitIn
        {
            Major = 7,
            Minor = Capabilities.NewestMinor,
            MaxReadAhead = 1 << 17,
            Flags = uint.MaxValue,
            Flags2 = 0x7FF,
        };
        byte[] request = new byte[40 + 64];
        var header = new InHeader { Length = (uint)request.Length, Opcode = Opcode.Init, Unique = 1 };
        System.Runtime.InteropServices.MemoryMarshal.Write(request, in header);
        System.Runtime.InteropServices.MemoryMarshal.Write(request.AsSpan(40), in init);
        kernel.Tell(request);
        session.Start();
    }

    private void Send(HostileKernel kernel, IReadOnlyList<int> numbers)
    {
        ulong unique = 1;
        foreach (int number in numbers)
        {
            var random = new Random(number);
            for (int i = 0; i < Burst; i++)
            {
                unique += 2;
                Send(kernel, random.Next(), unique);
            }
        }
    }

    private void Send(HostileKernel kernel, int number, ulong unique)
    {
        byte[] request = RequestMaker.Make(number, unique, _memory, out bool hasReply);
        _now = RequestMaker.Describe(request);
        if (!hasReply)
        {
            kernel.Tell(request);
            return;
        }
        HostileReply reply = kernel.Ask(request, unique);
        Answered++;
        string? complaint = kernel.Complaint ?? _foreign;
        if (complaint is not null)
        {
            throw new OracleException($"{_now}: {complaint}");
        }
        if (reply.Error == 0)
        {
            Succeeded++;
            _memory.Learn(request, reply.Body.Span);
        }
    }
}
