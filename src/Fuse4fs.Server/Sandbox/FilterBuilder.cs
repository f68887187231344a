using Fuse4fs.Linux;
using Instruction = Fuse4fs.Linux.LibC.FilterInstruction;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Assembles the program that judges system calls: classic BPF over struct seccomp_data. Rules are tried in
/// order; the first that fits decides.</summary>
/// <remarks>Kernel: Documentation/userspace-api/seccomp_filter.rst. Jumps go forward only and no further than 255.</remarks>
internal sealed class FilterBuilder
{
    // struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6], little-endian halves.
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint ArgumentsOffset = 16;

    private const ushort LoadWord = 0x20, AndConstant = 0x54, JumpEqual = 0x15, JumpAnySet = 0x45, JumpNotLess = 0x35,
        Return = 0x06;

    private const uint Allow = 0x7fff0000, FailWith = 0x00050000, KillProcess = 0x80000000;

    private readonly List<Instruction> _program = [];

    /// <param name="architecture">AUDIT_ARCH_*: calls of any other end the process, their numbers mean other things.</param>
    /// <param name="numberLimit">Numbers from here on are another call table of the same architecture (x32).</param>
    public FilterBuilder(uint architecture, uint numberLimit)
    {
        _program.Add(new(LoadWord, 0, 0, ArchitectureOffset));
        _program.Add(new(JumpEqual, 1, 0, architecture));
        _program.Add(new(Return, 0, 0, KillProcess));
        _program.Add(new(LoadWord, 0, 0, NumberOffset));
        _program.Add(new(JumpNotLess, 0, 1, numberLimit));
        _program.Add(new(Return, 0, 0, KillProcess));
    }

    public void AllowCall(int number) => Decide(number, Allow);

    /// <summary>The call does not happen and gives an error.</summary>
    public void FailCall(int number, Errno error) => Decide(number, FailWith | (uint)error);

    /// <summary>The call ends the process.</summary>
    public void KillOnCall(int number) => Decide(number, KillProcess);

    /// <summary>Allows a call when an argument, its low 32 bits masked, is one of some values; else it fails.</summary>
    public void AllowWhen(int number, int argument, uint mask, ReadOnlySpan<uint> values, Errno otherwise)
    {
        // Behind the test of the number: load, mask, a test for each value, fail, allow.
        int body = 2 + values.Length + 2;
        _program.Add(new(JumpEqual, 0, checked((byte)body), (uint)number));
        _program.Add(new(LoadWord, 0, 0, ArgumentsOffset + (8 * (uint)argument)));
        _program.Add(new(AndConstant, 0, 0, mask));
        for (int i = 0; i < values.Length; i++)
        {
            _program.Add(new(JumpEqual, checked((byte)(values.Length - i)), 0, values[i]));
        }
        _program.Add(new(Return, 0, 0, FailWith | (uint)otherwise));
        _program.Add(new(Return, 0, 0, Allow));
    }

    /// <summary>Allows ioctl(2) with commands of one group, and with some others; else it fails.</summary>
    public void AllowIoctl(int number, uint group, uint groupMask, ReadOnlySpan<uint> commands)
    {
        const int commandArgument = 1;
        const uint at = ArgumentsOffset + (8 * commandArgument);
        // Behind the test of the number: load, mask, test, load, a test for each command, fail, allow.
        _program.Add(new(JumpEqual, 0, checked((byte)(4 + commands.Length + 2)), (uint)number));
        _program.Add(new(LoadWord, 0, 0, at));
        _program.Add(new(AndConstant, 0, 0, groupMask));
        _program.Add(new(JumpEqual, checked((byte)(commands.Length + 2)), 0, group));
        _program.Add(new(LoadWord, 0, 0, at));
        for (int i = 0; i < commands.Length; i++)
        {
            _program.Add(new(JumpEqual, checked((byte)(commands.Length - i)), 0, commands[i]));
        }
        _program.Add(new(Return, 0, 0, FailWith | (uint)Errno.NotTerminal));
        _program.Add(new(Return, 0, 0, Allow));
    }

    /// <summary>Allows a call when none of some bits of an argument is set; else it fails.</summary>
    public void AllowWithout(int number, int argument, uint bits, Errno otherwise)
    {
        _program.Add(new(JumpEqual, 0, 4, (uint)number));
        _program.Add(new(LoadWord, 0, 0, ArgumentsOffset + (8 * (uint)argument)));
        _program.Add(new(JumpAnySet, 0, 1, bits));
        _program.Add(new(Return, 0, 0, FailWith | (uint)otherwise));
        _program.Add(new(Return, 0, 0, Allow));
    }

    /// <summary>The program; what no rule named fails with ENOSYS, which callers know from older kernels.</summary>
    public Instruction[] Build() => [.. _program, new(Return, 0, 0, FailWith | (uint)Errno.NotImplemented)];

    private void Decide(int number, uint verdict)
    {
        _program.Add(new(JumpEqual, 0, 1, (uint)number));
        _program.Add(new(Return, 0, 0, verdict));
    }
}
