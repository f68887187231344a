using System.Globalization;

namespace Fuse4fs.Testing.Images;

/// <summary>What this kernel may not be able to make is staged as ordinary files and finished by debugfs.</summary>
internal static class OfflineFiller
{
    private const uint CasefoldFlag = 0x4000_0000;
    private const uint VerityFlag = 0x0010_0000;
    private const uint ProjectInheritFlag = 0x2000_0000;
    private const uint ExtentsFlag = 0x0008_0000;

    public static void Stage(string name, FillTarget target)
    {
        FillTarget directory = target.Subdirectory(name);
        if (name == "casefold")
        {
            // The names are added by Finish: the flag is only allowed on an empty directory.
            directory.Subdirectory("folded-small");
            directory.Subdirectory("folded-big");
            return;
        }
        directory.File("one", 5000);
        directory.File("two", 200_000);
        directory.Subdirectory("inner").File("three", 10);
    }

    public static void Finish(string name, string image)
    {
        switch (name)
        {
            case "project":
                Debugfs.Write(image, "sif /project projid 42", $"sif /project flags 0x{ExtentsFlag | ProjectInheritFlag:X}",
                    "sif /project/one projid 42", "sif /project/two projid 4294967295", "sif /project/inner projid 7");
                break;
            case "verity":
                Debugfs.Write(image, $"sif /verity/one flags 0x{ExtentsFlag | VerityFlag:X}",
                    $"sif /verity/two flags 0x{ExtentsFlag | VerityFlag:X}");
                break;
            case "casefold":
                FinishCasefold(image);
                break;
            default:
                break;
        }
    }

    private static void FinishCasefold(string image)
    {
        using var directory = new TemporaryDirectory();
        string contents = directory.Combine("contents");
        File.WriteAllText(contents, "folded\n");
        string[] special =
        [
            "README", "stra\u00dfe", "\u00c4rger", "I\u0307stanbul", "cafe\u0301", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
        ];
        var requests = new List<string>
        {
            $"sif /casefold/folded-small flags 0x{ExtentsFlag | CasefoldFlag:X}",
            $"sif /casefold/folded-big flags 0x{ExtentsFlag | CasefoldFlag:X}",
            "cd /casefold/folded-small",
        };
        requests.AddRange(special.Select(name => $"write {contents} {name}"));
        requests.Add("cd /casefold/folded-big");
        requests.AddRange(Enumerable.Range(0, 400).Select(index => string.Create(
            CultureInfo.InvariantCulture, $"write {contents} Name-{index}-{(index % 2 == 0 ? "LOUD" : "quiet")}-\u00c9t\u00e9")));
        Debugfs.Write(image, [.. requests]);
        ToolResult result = Tool.Run("e2fsck", "-f", "-y", "-D", image);
        if (result.ExitCode is not 0 and not 1)
        {
            throw new OracleException($"e2fsck -fyD {image}: {result}");
        }
    }
}
