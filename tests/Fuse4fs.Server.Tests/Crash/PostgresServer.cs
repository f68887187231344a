using System.Diagnostics;
using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Crash;

/// <summary>PostgreSQL as Debian packages it, run as its own user on a directory; reached by a socket elsewhere.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    private const string User = "postgres";
    private const string PackageRoot = "/usr/lib/postgresql";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TemporaryDirectory _sockets;
    private readonly Process _server;

    /// <summary>Starts the server, and returns when it has recovered and answers.</summary>
    /// <param name="data">Made by <see cref="Initialize"/>.</param>
    public PostgresServer(string data)
    {
        _sockets = new TemporaryDirectory();
        Tool.Check("chown", User, _sockets.Path);
        string log = _sockets.Combine("log");
        _server = Process.Start("bash", ["-c", $"exec {AsUser} {Program("postgres")} -D {data} -k {_sockets.Path}"
            + $" -c listen_addresses= -c unix_socket_permissions=0777 > {log} 2>&1"]);
        var watch = Stopwatch.StartNew();
        while (Tool.Run(Program("pg_isready"), "-q", "-h", _sockets.Path).ExitCode != 0)
        {
            if (_server.WaitForExit(TimeSpan.FromMilliseconds(100)) || watch.Elapsed > Patience)
            {
                string said = File.ReadAllText(log);
                Dispose();
                throw new OracleException($"PostgreSQL does not start:\n{said}");
            }
        }
    }

    /// <summary>Why it cannot be run here, or null when it can.</summary>
    public static string? Missing =>
        !Directory.Exists(PackageRoot) || Directory.GetDirectories(PackageRoot).Length == 0
            ? "postgresql is not installed"
            : Host.Without("setpriv");

    private static string AsUser => $"setpriv --reuid={User} --regid={User} --init-groups";

    /// <summary>Makes an empty cluster in a directory of its user's.</summary>
    public static void Initialize(string data) => Tool.Shell($"mkdir -m 700 {data}; chown {User}:{User} {data};"
        + $" cd /; {AsUser} {Program("initdb")} -D {data} -A trust --no-locale -E UTF8 --data-checksums > /dev/null");

    /// <summary>Runs pgbench, which may fail when the server does.</summary>
    /// <returns>What it printed.</returns>
    public string Bench(params string[] arguments) =>
        Tool.Run(Program("pgbench"), ["-h", _sockets.Path, "-U", User, .. arguments, "postgres"]).Output;

    /// <summary>The first column of the first row, as a number.</summary>
    public long Query(string query) => long.Parse(
        Tool.Check(Program("psql"), "-h", _sockets.Path, "-U", User, "-At", "-c", query, "postgres"),
        CultureInfo.InvariantCulture);

    /// <summary>Reads every table and index and checks that they agree.</summary>
    public void CheckAll() => Tool.Check(
        Program("pg_amcheck"), "-h", _sockets.Path, "-U", User, "--install-missing", "--heapallindexed", "postgres");

    /// <summary>Ends the server in order: everything is written.</summary>
    public void Stop()
    {
        Tool.Check("kill", "-INT", _server.Id.ToString(CultureInfo.InvariantCulture));
        if (!_server.WaitForExit(Patience))
        {
            throw new OracleException("PostgreSQL does not end");
        }
    }

    /// <summary>Ends whatever of it is left, at once.</summary>
    public void Dispose()
    {
        if (!_server.HasExited)
        {
            _server.Kill(entireProcessTree: true);
            _server.WaitForExit();
        }
        _server.Dispose();
        _sockets.Dispose();
    }

    private static string Program(string name) =>
        Path.Combine(Directory.GetDirectories(PackageRoot).Order(StringComparer.Ordinal).Last(), "bin", name);
}
