using System.CommandLine;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Inspecting.Probing;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs probe: what this kernel, this user and this system offer.</summary>
internal static class ProbeCommand
{
    public static Command Create()
    {
        var command = new Command("probe", "Shows what this kernel and this user may do with FUSE.");
        var asJson = new Option<bool>("--json") { Description = "as a JSON object" };
        command.Options.Add(asJson);
        command.SetAction(parsed => InspectingCommands.Run(() =>
        {
            IReadOnlyList<FactSection> facts = SystemFacts.Collect();
            using Stream output = RawOutput.OpenStandard();
            FactWriter.Write(output, facts, parsed.GetValue(asJson));
            return 0;
        }));
        return command;
    }
}
