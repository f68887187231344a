using System.CommandLine;
using Fuse4fs.Bench.Measuring;
using Fuse4fs.Bench.Reporting;
using Fuse4fs.Bench.Scenarios;
using Fuse4fs.Bench.Systems;

namespace Fuse4fs.Bench;

/// <summary>The benchmark behind scripts/bench.</summary>
internal static class Program
{
    private static readonly Option<string> SystemNames = new("--systems")
    {
        Description = "Comma-separated subset of kernel,fuse2fs,passthrough,null,ours",
        DefaultValueFactory = _ => "kernel,fuse2fs,passthrough,null,ours",
    };

    private static readonly Option<string> StepNames = new("--steps")
    {
        Description = "Comma-separated subset of the steps, or read or write; see --list",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Runs of every step on every system",
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<bool> Quick = new("--quick") { Description = "Small sizes" };
    private static readonly Option<bool> ListSteps = new("--list") { Description = "Names the steps and ends" };
    private static readonly Option<string?> Tree = new("--tree") { Description = "Directory copied into the image" };
    private static readonly Option<int?> ReadAhead = new("--read-ahead") { Description = "read_ahead_kb of mounts" };
    private static readonly Option<int?> MaximumRatio = new("--max-ratio") { Description = "max_ratio of mounts" };
    private static readonly Option<string> Options = new("--server-options")
    {
        Description = "More -o words for our server",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<string?> Work = new("--work")
    {
        Description = "Directory for images, kept for the next run; without it a temporary one",
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "Directory for bench.json, bench.md and bench.svg",
        DefaultValueFactory = _ => "artifacts/bench",
    };

    private static readonly Option<string> Server = new("--server") { Description = "Our server", Required = true };
    private static readonly Option<string> Null = new("--null-server") { Description = "Null server", Required = true };
    private static readonly Option<string> Sources = new("--load-sources") { Description = "bench.d", Required = true };

    private static int Main(string[] arguments)
    {
        var command = new RootCommand("Compares this server with kernel ext4, fuse2fs, passthrough_ll and the floor.")
        {
            SystemNames, StepNames, Rounds, Quick, ListSteps, Tree, ReadAhead, MaximumRatio, Options, Work, Output,
            Server, Null, Sources,
        };
        command.SetAction(Run);
        return command.Parse(arguments).Invoke();
    }

    private static int Run(ParseResult parsed)
    {
        if (parsed.GetValue(ListSteps))
        {
            return List();
        }
        if (Environment.UserName != "root")
        {
            Console.Error.WriteLine("bench: needs root: loop mounts, and dropping the kernel's caches");
            return 1;
        }
        string? kept = parsed.GetValue(Work);
        string work = Path.GetFullPath(kept ?? Directory.CreateTempSubdirectory("fuse4fs-bench-").FullName);
        Directory.CreateDirectory(work);
        try
        {
            Measure(parsed, work);
            return 0;
        }
        catch (BenchException failure)
        {
            Console.Error.WriteLine($"bench: {failure.Message}");
            return 1;
        }
        finally
        {
            if (kept is null)
            {
                Directory.Delete(work, recursive: true);
            }
        }
    }

    private static int List()
    {
        Phase[] lifetime = [Runner.MountPhase, Runner.UnmountPhase];
        foreach (Phase phase in lifetime.Concat(Scenario.All.SelectMany(s => s.Phases)))
        {
            Console.WriteLine($"{phase.Name,-16} {phase.Title}");
        }
        return 0;
    }

    private static void Measure(ParseResult parsed, string work)
    {
        BenchOptions options = OptionsOf(parsed, work);
        Scenario[] scenarios = [.. Scenario.All.Where(s => s.Phases.Any(options.IsChosen))];
        bool withLifetimes = options.IsChosen(Runner.MountPhase) || options.IsChosen(Runner.UnmountPhase);
        var load = LoadGenerator.Compile(parsed.GetRequiredValue(Sources), work);
        bool isReading = withLifetimes || scenarios.Any(s => !s.IsWriting);
        var images = new ImageStore(work, options.Sizes, load, isReading);
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, interrupt) =>
        {
            interrupt.Cancel = true;
            stop.Cancel();
        };
        var runner = new Runner(options, load, images, new Inputs(work, options.Sizes.Source), stop.Token);
        var environment = EnvironmentRecord.Take(options);
        if (withLifetimes)
        {
            runner.RunLifetimes();
        }
        foreach (Scenario scenario in scenarios)
        {
            runner.Run(scenario);
        }
        Phase[] phases = [Runner.MountPhase, Runner.UnmountPhase, .. scenarios.SelectMany(s => s.Phases)];
        var report = new Report(
            environment,
            [.. options.Systems.Select(s => new KeyValuePair<string, string>(s.Name, s.Description))],
            runner.Settings,
            [.. phases.Where(options.IsChosen)],
            runner.Samples);
        Write(report, parsed.GetRequiredValue(Output));
    }

    private static void Write(Report report, string directory)
    {
        Directory.CreateDirectory(directory);
        string table = TextTable.Render(report);
        File.WriteAllText(Path.Combine(directory, "bench.md"), table);
        File.WriteAllText(Path.Combine(directory, "bench.svg"), SvgChart.Render(report));
        JsonReport.Write(report, Path.Combine(directory, "bench.json"));
        Console.Write(table);
    }

    private static BenchOptions OptionsOf(ParseResult parsed, string work)
    {
        Sizes sizes = parsed.GetValue(Quick) ? Sizes.Quick : new Sizes();
        if (parsed.GetValue(Tree) is string tree)
        {
            sizes = sizes with { Tree = tree };
        }
        return new BenchOptions
        {
            Systems = [.. parsed.GetRequiredValue(SystemNames).Split(',').Select(name => SystemOf(name, parsed, work))],
            Steps = StepsOf(parsed.GetRequiredValue(StepNames)),
            Rounds = Math.Max(1, parsed.GetValue(Rounds)),
            Sizes = sizes,
            WorkDirectory = work,
            ReadAheadKib = parsed.GetValue(ReadAhead),
            MaximumDirtyPercent = parsed.GetValue(MaximumRatio),
        };
    }

    private static HashSet<string> StepsOf(string list)
    {
        var steps = new HashSet<string>();
        foreach (string name in list.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name is "read" or "write")
            {
                steps.UnionWith(Scenario.All.Where(s => s.IsWriting == (name == "write"))
                    .SelectMany(s => s.Phases).Select(p => p.Name));
                continue;
            }
            if (name is not ("mount" or "umount") && !Scenario.All.Any(s => s.Phases.Any(p => p.Name == name)))
            {
                throw new BenchException($"no step is called \"{name}\"; --list names them");
            }
            steps.Add(name);
        }
        return steps;
    }

    private static IBenchSystem SystemOf(string name, ParseResult parsed, string work) => name switch
    {
        "kernel" => new KernelExt4(),
        "fuse2fs" => new Fuse2fs(),
        "passthrough" => new Passthrough(work),
        "null" => new NullServer(parsed.GetRequiredValue(Null)),
        "ours" => new OwnServer(parsed.GetRequiredValue(Server), parsed.GetRequiredValue(Options)),
        _ => throw new BenchException($"no system is called \"{name}\""),
    };
}
