using System.Text.Json.Serialization;

namespace Fuse4fs.Server.Control;

/// <summary>How requests and replies are written. What one side does not know
/// of the other's it ignores.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    MaxDepth = 8)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(ServerStatus))]
[JsonSerializable(typeof(List<ServerStatus>))]
public sealed partial class ControlJson : JsonSerializerContext;
