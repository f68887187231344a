namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_DEV_IOC_*: request codes of the ioctls on /dev/fuse.</summary>
public enum DeviceIoctl : uint
{
    Clone = 0x8004E500, BackingOpen = 0x4010E501, BackingClose = 0x4004E502, SyncInit = 0x0000E503,
    Support = 0x8010E563, SetNofs = 0x4004E564, AddIomap = 0x0000E565, SetBlockSize = 0x4008E566,
    StripeConfig = 0x4010E567,
}
