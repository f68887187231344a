using System.CommandLine;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs info IMAGE: what kind of volume it is and how it is doing.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var command = new Command("info", "Shows features, geometry, journal, state and free space of an image.");
        var image = new ImageArguments();
        image.AddTo(command);
        var asJson = new Option<bool>("--json") { Description = "as a JSON object" };
        command.Options.Add(asJson);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            VolumeFacts facts = VolumeFacts.Of(opened.Volume);
            using Stream output = RawOutput.OpenStandard();
            FactWriter.Write(output, facts.Sections, parsed.GetValue(asJson));
        }));
        return command;
    }
}
