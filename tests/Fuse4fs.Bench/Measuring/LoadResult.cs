using System.Globalization;

namespace Fuse4fs.Bench.Measuring;

/// <summary>What one load did and what it took.</summary>
/// <param name="Operations">Names, files or requests; 1 for a whole program.</param>
/// <param name="Bytes">Bytes of data moved.</param>
/// <param name="Seconds">Wall clock while the load ran.</param>
/// <param name="LoadCpuSeconds">User and system time of the load itself, children included.</param>
internal readonly record struct LoadResult(long Operations, long Bytes, double Seconds, double LoadCpuSeconds)
{
    /// <summary>Reads the generator's one line.</summary>
    public static LoadResult Parse(string line)
    {
        string[] fields = line.Trim().Split(' ');
        if (fields.Length != 4)
        {
            throw new BenchException($"the load generator said \"{line.Trim()}\"");
        }
        long[] numbers = Array.ConvertAll(fields, field => long.Parse(field, CultureInfo.InvariantCulture));
        return new LoadResult(numbers[0], numbers[1], numbers[2] / 1e9, numbers[3] / 1e9);
    }
}
