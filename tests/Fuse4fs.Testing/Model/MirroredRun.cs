using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Model;

/// <summary>The same random operations on two file systems, compared one by one.</summary>
public sealed class MirroredRun(string expectedRoot, string actualRoot)
{
    private const int History = 25;

    /// <inheritdoc cref="OperationExecutor.HasLargeValues"/>
    public bool HasLargeValues { get; init; }

    /// <summary>Carries out operations of one seed below a directory.</summary>
    /// <param name="seed">Of the operations.</param>
    /// <param name="operations">How many.</param>
    /// <param name="directory">Where, relative to both roots; "" for everywhere.</param>
    /// <returns>How many succeeded.</returns>
    /// <exception cref="OracleException">The two answered differently.</exception>
    public int Execute(ulong seed, int operations, string directory = "")
    {
        using var expected = new OperationExecutor(new HostPath(expectedRoot)) { HasLargeValues = HasLargeValues };
        using var actual = new OperationExecutor(new HostPath(actualRoot)) { HasLargeValues = HasLargeValues };
        var generator = new OperationGenerator(seed, directory);
        int successes = 0;
        var recent = new Queue<string>();
        for (int count = 0; count < operations; count++)
        {
            Operation operation = generator.Next();
            string wanted = expected.Execute(operation);
            string found = actual.Execute(operation);
            recent.Enqueue($"{count}: {operation} -> {wanted}");
            if (recent.Count > History)
            {
                recent.Dequeue();
            }
            successes += wanted.StartsWith('-') || wanted.Contains(" -", StringComparison.Ordinal) ? 0 : 1;
            if (wanted != found)
            {
                throw new OracleException($"seed {seed}: operation {count} gave\n  {found}\ninstead of\n  {wanted}\nafter\n"
                    + string.Join('\n', recent));
            }
        }
        return successes;
    }
}
