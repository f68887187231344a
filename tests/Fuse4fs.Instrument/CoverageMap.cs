using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Fuse4fs.Instrument;

/// <summary>The public type that is added to the assembly: Fuse4fs.Coverage with a static byte array "Map", one counter
/// per block. Counters wrap and are not exact across threads; that is enough to tell behaviours apart.</summary>
internal sealed class CoverageMap
{
    private readonly TypeDefinition _type;
    private readonly ModuleDefinition _module;

    public CoverageMap(ModuleDefinition module)
    {
        _module = module;
        const TypeAttributes attributes =
            TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed | TypeAttributes.BeforeFieldInit;
        _type = new TypeDefinition("Fuse4fs", "Coverage", attributes, module.TypeSystem.Object);
        Field = new FieldDefinition("Map", FieldAttributes.Public | FieldAttributes.Static | FieldAttributes.InitOnly,
            new ArrayType(module.TypeSystem.Byte));
        _type.Fields.Add(Field);
    }

    /// <summary>The array.</summary>
    public FieldDefinition Field { get; }

    /// <summary>Adds the type, with an array of so many counters.</summary>
    public void Finish(int blocks)
    {
        const MethodAttributes attributes = MethodAttributes.Private | MethodAttributes.Static
            | MethodAttributes.HideBySig | MethodAttributes.SpecialName | MethodAttributes.RTSpecialName;
        var initializer = new MethodDefinition(".cctor", attributes, _module.TypeSystem.Void);
        ILProcessor code = initializer.Body.GetILProcessor();
        code.Emit(OpCodes.Ldc_I4, Math.Max(1, blocks));
        code.Emit(OpCodes.Newarr, _module.TypeSystem.Byte);
        code.Emit(OpCodes.Stsfld, Field);
        code.Emit(OpCodes.Ret);
        _type.Methods.Add(initializer);
        _module.Types.Add(_type);
    }
}
