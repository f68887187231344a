using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Fuse4fs.Instrument;

/// <summary>Puts a counter at the beginning of every basic block.</summary>
internal sealed class BlockCounter(CoverageMap map)
{
    private readonly List<string> _methods = [];
    private int _blocks;

    /// <summary>A line for each method: its number of blocks, a tab, its type, a tab, its name. What the compiler made of
    /// lambdas and iterators counts for the type they are in.</summary>
    public IReadOnlyList<string> Methods => _methods;

    /// <summary>All methods of a module.</summary>
    /// <returns>Blocks.</returns>
    public int InstrumentAll(ModuleDefinition module)
    {
        foreach (TypeDefinition type in module.GetTypes())
        {
            foreach (MethodDefinition method in type.Methods)
            {
                if (method.HasBody)
                {
                    int before = _blocks;
                    Instrument(method.Body);
                    _methods.Add($"{_blocks - before}\t{OutermostOf(type).FullName}\t{method.Name}");
                }
            }
        }
        return _blocks;
    }

    private static TypeDefinition OutermostOf(TypeDefinition type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }
        return type;
    }

    private void Instrument(MethodBody body)
    {
        body.SimplifyMacros();
        foreach (Instruction start in BlockStarts(body))
        {
            InsertCounter(body, start);
        }
        body.OptimizeMacros();
    }

    /// <summary>The first instruction, all branch targets, and what follows a conditional branch. Handlers are left
    /// out: their first instruction finds an exception on the stack, which a counter does not mind, but a filter's
    /// order of regions must stay as it is.</summary>
    private static List<Instruction> BlockStarts(MethodBody body)
    {
        var starts = new HashSet<Instruction> { body.Instructions[0] };
        foreach (Instruction instruction in body.Instructions)
        {
            switch (instruction.Operand)
            {
                case Instruction target:
                    starts.Add(target);
                    break;
                case Instruction[] targets:
                    starts.UnionWith(targets);
                    break;
            }
            if (instruction.OpCode.FlowControl == FlowControl.Cond_Branch && instruction.Next is not null)
            {
                starts.Add(instruction.Next);
            }
        }
        foreach (ExceptionHandler handler in body.ExceptionHandlers)
        {
            starts.Remove(handler.TryStart);
            starts.Remove(handler.HandlerStart);
            starts.Remove(handler.FilterStart);
            starts.Remove(handler.HandlerEnd);
            starts.Remove(handler.TryEnd);
        }
        // Between a prefix and its instruction nothing may stand.
        starts.RemoveWhere(start => start.Previous?.OpCode.OpCodeType == OpCodeType.Prefix);
        return [.. starts];
    }

    /// <summary>Map[number]++, put behind a copy of the block's first instruction's place: branches to the block must
    /// meet the counter, so the first instruction object becomes the counter's first and the original
    /// follows.</summary>
    private void InsertCounter(MethodBody body, Instruction start)
    {
        ILProcessor code = body.GetILProcessor();
        var original = Instruction.Create(OpCodes.Nop);
        original.OpCode = start.OpCode;
        original.Operand = start.Operand;
        start.OpCode = OpCodes.Ldsfld;
        start.Operand = map.Field;
        Instruction[] counter =
        [
            Instruction.Create(OpCodes.Ldc_I4, _blocks++),
            Instruction.Create(OpCodes.Ldelema, map.Field.FieldType.GetElementType()),
            Instruction.Create(OpCodes.Dup),
            Instruction.Create(OpCodes.Ldind_U1),
            Instruction.Create(OpCodes.Ldc_I4, 1),
            Instruction.Create(OpCodes.Add),
            Instruction.Create(OpCodes.Conv_U1),
            Instruction.Create(OpCodes.Stind_I1),
            original,
        ];
        Instruction last = start;
        foreach (Instruction next in counter)
        {
            code.InsertAfter(last, next);
            last = next;
        }
    }
}
