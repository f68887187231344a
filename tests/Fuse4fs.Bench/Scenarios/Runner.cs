using System.Diagnostics;
using Fuse4fs.Bench.Measuring;
using Fuse4fs.Bench.Reporting;
using Fuse4fs.Bench.Systems;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>Runs scenarios: every round goes through the systems, starting with another one each time.</summary>
internal sealed class Runner(
    BenchOptions options, LoadGenerator load, ImageStore images, Inputs inputs, CancellationToken stop)
{
    /// <summary>Start of the server until the mount answers.</summary>
    public static readonly Phase MountPhase = Lifetime("mount", "start to ready");

    /// <summary>umount(2) until the image is released and the server gone.</summary>
    public static readonly Phase UnmountPhase = Lifetime("umount", "unmount to released");

    private readonly List<Sample> _samples = [];
    private readonly Dictionary<string, BackingDeviceSettings> _settings = [];

    /// <summary>Everything measured so far.</summary>
    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>Read-ahead and dirty limits that each system's mount had.</summary>
    public IReadOnlyDictionary<string, BackingDeviceSettings> Settings => _settings;

    /// <summary>Runs one scenario on all systems, all rounds.</summary>
    public void Run(Scenario scenario)
    {
        for (int round = 0; round < options.Rounds; round++)
        {
            for (int turn = 0; turn < options.Systems.Count; turn++)
            {
                if (stop.IsCancellationRequested)
                {
                    throw new BenchException("interrupted");
                }
                IBenchSystem system = options.Systems[(turn + round) % options.Systems.Count];
                RunOn(system, scenario, round);
            }
        }
    }

    /// <summary>Measures mounting and unmounting an idle image.</summary>
    public void RunLifetimes() => Run(new Scenario("lifetime", IsWriting: false, ImageParts.None));

    private static Phase Lifetime(string name, string title) =>
        new(name, title, Figure.Duration, _ => throw new UnreachableException());

    private void RunOn(IBenchSystem system, Scenario scenario, int round)
    {
        string mountPoint = Path.Combine(options.WorkDirectory, "mnt");
        Directory.CreateDirectory(mountPoint);
        bool isLifetime = scenario.Phases.Length == 0;
        try
        {
            string image = images.CopyFor(system.Name, scenario.IsWriting);
            Caches.Drop();
            long started = Stopwatch.GetTimestamp();
            using IMountedSystem mount = system.Mount(image, mountPoint, scenario.IsWriting || system is NullServer);
            if (isLifetime)
            {
                AddLifetime(MountPhase, system, round, started, mount.Server?.ResidentBytes);
            }
            else
            {
                RunPhases(system, scenario, round, mount);
            }
            Command.Run("sync");
            started = Stopwatch.GetTimestamp();
            mount.Unmount();
            if (isLifetime)
            {
                AddLifetime(UnmountPhase, system, round, started, residentBytes: null);
            }
        }
        catch (BenchException failure)
        {
            Console.Error.WriteLine($"{scenario.Name,-16} {system.Name,-12} {failure.Message}");
            foreach (Phase phase in isLifetime ? [MountPhase, UnmountPhase] : scenario.Phases)
            {
                if (!_samples.Exists(s => s.Phase == phase.Name && s.System == system.Name && s.Round == round))
                {
                    Add(new Sample(phase.Name, system.Name, round, default, null, null, failure.Message), phase);
                }
            }
        }
    }

    private void RunPhases(IBenchSystem system, Scenario scenario, int round, IMountedSystem mount)
    {
        string root = Path.Combine(options.WorkDirectory, "mnt");
        var place = new Workplace(root, load, options.Sizes, inputs, round);
        if (system is NullServer && !scenario.IsWriting)
        {
            ReadImage.FillWithoutContents(root, scenario.Parts, options.Sizes, load);
        }
        if (mount.Server is not null)
        {
            (scenario.IsWriting ? WarmUp.Write : (Action<Workplace>)WarmUp.Read)(place);
        }
        // Not before: a server may have settings of its own, which it makes when its session has begun.
        ApplySettings(system, root);
        int last = Array.FindLastIndex(scenario.Phases, options.IsChosen);
        foreach (Phase phase in scenario.Phases.AsSpan(0, last + 1))
        {
            if (scenario.IsWriting || options.IsChosen(phase))
            {
                Measure(system, phase, place, mount.Server);
            }
        }
    }

    private void Measure(IBenchSystem system, Phase phase, Workplace place, ServerProcess? server)
    {
        if (phase.NeedsStorage && system is NullServer)
        {
            return;
        }
        try
        {
            phase.Prepare?.Invoke(place);
            if (phase.IsRepeated)
            {
                phase.Run(place);
            }
            if (phase.IsCold)
            {
                Caches.Drop();
            }
            else
            {
                Command.Run("sync");
            }
            double? before = server?.CpuSeconds;
            LoadResult result = phase.Run(place);
            double? used = server?.CpuSeconds - before;
            Add(new Sample(phase.Name, system.Name, place.Round, result, used, server?.ResidentBytes, null), phase);
        }
        catch (BenchException failure)
        {
            Add(new Sample(phase.Name, system.Name, place.Round, default, null, null, failure.Message), phase);
        }
    }

    private void ApplySettings(IBenchSystem system, string mountPoint)
    {
        if (options.ReadAheadKib is int readAhead)
        {
            BackingDeviceSettings.Set(mountPoint, "read_ahead_kb", readAhead);
        }
        if (options.MaximumDirtyPercent is int percent)
        {
            BackingDeviceSettings.Set(mountPoint, "max_ratio", percent);
        }
        if (BackingDeviceSettings.Of(mountPoint) is BackingDeviceSettings settings)
        {
            _settings[system.Name] = settings;
        }
    }

    private void AddLifetime(Phase phase, IBenchSystem system, int round, long started, long? residentBytes)
    {
        var result = new LoadResult(1, 0, Stopwatch.GetElapsedTime(started).TotalSeconds, 0);
        Add(new Sample(phase.Name, system.Name, round, result, null, residentBytes, null), phase);
    }

    private void Add(Sample sample, Phase phase)
    {
        _samples.Add(sample);
        string text = sample.Failure ?? FigureText.Of(phase.Figure, FigureText.Value(phase, sample));
        Console.Error.WriteLine($"{phase.Name,-16} {sample.System,-12} round {sample.Round + 1}  {text}");
    }
}
