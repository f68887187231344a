using System.Globalization;
using Fuse4fs.Server.Handlers;

namespace Fuse4fs.Server.Sandbox;

/// <summary>What an <see cref="OutsideHelper"/> executes.</summary>
internal static class OutsideScript
{
    /// <summary>The system call ioctl.</summary>
    private static readonly int s_ioctl = SystemCallNumbers.Find("ioctl") ?? -1;

    /// <summary>A signal for the whole control group must not end it before the server. What follows a line is read to its
    /// end in any case: else the next line would not be found.</summary>
    /// <remarks>peek and poke look at a caller's memory, as process_vm_readv would, but only while the thread waits in the
    /// ioctl that is named, and only at what that ioctl's argument is for: 24 bytes (struct fsuuid, a word), or the records
    /// behind the head of FS_IOC_GETFSMAP that it says it has room for. The memory is opened before the look at the
    /// thread: it is that of the program that asked, whatever the process executes meanwhile.
    /// <para>What comes is an intruder's, if there is one: all but the word are digits, or it is the end. A shell's arithmetic
    /// may execute what it is given, and a number becomes part of a path.</para></remarks>
    public const string Text = """
        trap '' HUP INT QUIT TERM
        cd /
        PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
        place=$1 socket=$2 inode=$3 lock=$4 metrics=$5 ioctl=$6 map=$7
        shift 7
        waits() {
          read -r call descriptor command argument rest <"/proc/$1/syscall" &&
            [ "$call" = "$ioctl" ] && [ $((command & 0xffffffff)) -eq "$2" ] && [ $((argument)) -eq "$3" ]
        }
        peek() {
          waits "$1" "$2" "$3" && [ $(($4 + $5)) -le 24 ] &&
            value=$(dd bs=1 skip=$(($3 + $4)) count="$5" <&3 | od -An -v -tx1 | tr -d ' \n') &&
            [ ${#value} -eq $((2 * $5)) ]
        }
        poke() {
          waits "$1" "$2" "$3" || return 1
          if [ "$2" = "$map" ]; then
            room=$(dd bs=1 skip=$(($3 + 8)) count=4 <&3 | od -An -v -tu4)
            [ "$4" -ge 192 ] && [ $(($4 + $5)) -le $((192 + 64 * room)) ] || return 1
          else
            [ $(($4 + $5)) -le 24 ] || return 1
          fi
          dd bs=1 seek=$(($3 + $4)) count="$5" conv=notrunc >&4
        }
        replace() {
          rm -f -- "$metrics.new" && (set -C && exec cat >"$metrics.new") && mv -f -- "$metrics.new" "$metrics"
        }
        while read -r word a b c d e; do
          value=
          case $a$b$c$d$e in *[!0123456789]*) break ;; esac
          case $word in
            ready) true ;;
            sync) sync -f -- "$place" || sync ;;
            unmount) umount -i -- "$place" || fusermount3 -u -- "$place" ;;
            detach) umount -i -l -- "$place" || fusermount3 -u -z -- "$place" ;;
            socket) [ "$(stat -c %i -- "$socket")" = "$inode" ] && rm -f -- "$socket" ;;
            lock) rm -f -- "$lock" ;;
            metrics) head -c "$a" | { replace || { cat; false; }; } ;;
            peek) peek "$a" "$b" "$c" "$d" "$e" 3<"/proc/$a/mem" ;;
            poke) head -c "$e" | { poke "$a" "$b" "$c" "$d" "$e" 3<"/proc/$a/mem" 4<>"/proc/$a/mem" || { cat; false; }; } ;;
            *) false ;;
          esac >/dev/null
          echo "$? $value"
        done
        [ $# -eq 0 ] || rm -f -- "$@"
        """;

    /// <summary>The script's.</summary>
    public static string[] Arguments(OutsideFiles files) =>
    [
        files.MountPoint, files.Socket, files.SocketInode.ToString(CultureInfo.InvariantCulture), files.LockFile,
        files.MetricsFile, s_ioctl.ToString(CultureInfo.InvariantCulture),
        IoControlCommands.GetSpaceMap.ToString(CultureInfo.InvariantCulture), .. files.OfRuntime,
    ];
}
