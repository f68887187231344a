using System.Text;
using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>What the writing steps unpack, kept outside the mounts.</summary>
internal sealed class Inputs
{
    /// <summary>The directory inside the archive.</summary>
    public const string SourceName = "source";

    private const int TransactionCount = 500;

    /// <summary>Makes archive, repository and script once per work directory.</summary>
    public Inputs(string directory, string source)
    {
        Archive = Path.Combine(directory, "source.tar");
        Repository = Path.Combine(directory, "source.git");
        Transactions = Path.Combine(directory, "transactions.sql");
        if (File.Exists(Transactions))
        {
            return;
        }
        Command.Run("tar", "-C", source, $"--transform=s,^\\.,{SourceName},S", "-cf", Archive, ".");
        MakeRepository(source);
        MakeTransactions();
    }

    /// <summary>A tar archive of the source tree.</summary>
    public string Archive { get; }

    /// <summary>A bare repository with the source tree as its only commit.</summary>
    public string Repository { get; }

    /// <summary>SQL with one transaction per statement.</summary>
    public string Transactions { get; }

    private void MakeRepository(string source)
    {
        Command.Run("git", "init", "-q", "--bare", Repository);
        string[] git = ["--git-dir", Repository, "--work-tree", source];
        Command.Run("git", [.. git, "-c", "core.bare=false", "add", "-A", "-f", "."]);
        string[] author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
        Command.Run("git", [.. git, "-c", "core.bare=false", .. author, "commit", "-q", "-m", "source"]);
        Command.Run("git", "--git-dir", Repository, "config", "core.bare", "false");
    }

    private void MakeTransactions()
    {
        var script = new StringBuilder("CREATE TABLE entries(number INTEGER PRIMARY KEY, text TEXT);\n");
        for (int i = 0; i < TransactionCount; i++)
        {
            script.Append("INSERT INTO entries(text) VALUES('entry ").Append(i).Append("');\n");
        }
        File.WriteAllText(Transactions, script.ToString());
    }
}
