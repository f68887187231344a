namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Error numbers under the names of errno(3), as traces print them.</summary>
public enum Errno
{
    Ok = 0, EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14,
    ENOTBLK = 15, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22,
    ENOTTY = 25, ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30, EMLINK = 31, ERANGE = 34, ENAMETOOLONG = 36,
    ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40, ENODATA = 61, EOPNOTSUPP = 95, ENOTCONN = 107, ECONNREFUSED = 111,
    ECONNABORTED = 103, ESTALE = 116, EUCLEAN = 117, ENXIO = 6,
}
