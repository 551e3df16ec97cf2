/* A preload library: what a program meets at /dev/fwctl/fwctlN, without a kernel that has fwctl and without an adapter.
 *
 * For a program started with LD_PRELOAD=/absolute/path/of/this.so:
 *   - opening /dev/fwctl/fwctlN gives a descriptor: a Unix socket connected to NODES/fwctlN, so that dup, fork, exec
 *     and close need nothing here;
 *   - ioctl on such a descriptor does what the kernel's fwctl core does (fwctl_core.c);
 *   - the stat family and access show a character device there, with that socket's owner and mode.
 *
 * Not caught: statically linked programs, raw system calls, relative paths, fopen. It cannot taint a kernel. A program
 * that gives up root after opening meets EACCES, where the kernel would let it go on.
 *
 *   cc -shared -fPIC -DNODES='"/tmp/x"' -DMAJOR=240 -o fwctl_shim.so fwctl_shim.c fwctl_core.c
 */
#define _GNU_SOURCE
#include "fwctl_core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
#error "the system calls below fill the C library's struct stat on 64-bit x86 and ARM Linux only"
#endif

static int result(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

int ioctl(int fd, unsigned long number, ...)
{
	va_list list;
	void *argument;
	int node;

	va_start(list, number);
	argument = va_arg(list, void *);
	va_end(list);
	/* The file system layer answers these itself, for any file. */
	node = number == FIOCLEX || number == FIONCLEX || number == FIONBIO ? -1 : node_of_fd(fd);
	if (node < 0)
		return (int)syscall(SYS_ioctl, fd, number, argument);
	return result(node_ioctl(fd, node, (uint32_t)number, (uintptr_t)argument));
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
	int node = node_of_path(path), fd, error;

	if (node < 0)
		return (int)syscall(SYS_openat, folder, path, flags, mode);
	error = node_open(node, &fd);
	if (!error && !(flags & O_CLOEXEC))
		error = fcntl(fd, F_SETFD, 0) ? errno : 0;
	return error ? result(error) : fd;
}

static mode_t mode_argument(int flags, va_list list)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = mode_argument(flags, list);
	va_end(list);
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = mode_argument(flags, list);
	va_end(list);
	return open_at(folder, path, flags, mode);
}

/* What a fortified program calls where it gives no mode. */
int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int __openat_2(int folder, const char *path, int flags)
{
	return open_at(folder, path, flags, 0);
}

int access(const char *path, int mode)
{
	int node = node_of_path(path);
	struct sockaddr_un address = address_of(node);

	return (int)syscall(SYS_faccessat, AT_FDCWD, node < 0 ? path : address.sun_path, mode);
}

/* The node that a call of the stat family is about, or -1; an empty path means the descriptor. */
static int node_of(int folder, const char *path, int flags)
{
	return flags & AT_EMPTY_PATH && path && !*path ? node_of_fd(folder) : node_of_path(path);
}

static int stat_at(int folder, const char *path, struct stat *found, int flags)
{
	int node = node_of(folder, path, flags);
	struct sockaddr_un address = address_of(node);

	if (node < 0)
		return (int)syscall(SYS_newfstatat, folder, path, found, flags);
	if (syscall(SYS_newfstatat, AT_FDCWD, address.sun_path, found, 0)) {
		/* The node is gone; an open file still has attributes. */
		if (node_of_path(path) == node || syscall(SYS_newfstatat, folder, "", found, AT_EMPTY_PATH))
			return -1;
	}
	found->st_mode = S_IFCHR | (found->st_mode & 07777);
	found->st_rdev = makedev(MAJOR, node);
	return 0;
}

int stat(const char *path, struct stat *found)
{
	return stat_at(AT_FDCWD, path, found, 0);
}

int lstat(const char *path, struct stat *found)
{
	return stat_at(AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *found)
{
	return stat_at(fd, "", found, AT_EMPTY_PATH);
}

int fstatat(int folder, const char *path, struct stat *found, int flags)
{
	return stat_at(folder, path, found, flags);
}

/* What programs call that were linked with a C library older than 2.33. */
int __xstat(int version, const char *path, struct stat *found)
{
	return version < 0 ? result(EINVAL) : stat(path, found);
}

int __lxstat(int version, const char *path, struct stat *found)
{
	return version < 0 ? result(EINVAL) : lstat(path, found);
}

int __fxstat(int version, int fd, struct stat *found)
{
	return version < 0 ? result(EINVAL) : fstat(fd, found);
}

int __fxstatat(int version, int folder, const char *path, struct stat *found, int flags)
{
	return version < 0 ? result(EINVAL) : fstatat(folder, path, found, flags);
}

int statx(int folder, const char *path, int flags, unsigned int mask, struct statx *found)
{
	struct stat here;
	int node = node_of(folder, path, flags);
	struct sockaddr_un address = address_of(node);

	if (node < 0)
		return (int)syscall(SYS_statx, folder, path, flags, mask, found);
	if (stat_at(folder, path, &here, flags) || syscall(SYS_statx, AT_FDCWD, address.sun_path, 0, mask, found))
		return -1;
	found->stx_mode = (uint16_t)here.st_mode;
	found->stx_rdev_major = MAJOR;
	found->stx_rdev_minor = (uint32_t)node;
	return 0;
}

/* On a 64-bit system these are the same functions. */
#define ALSO(other, name, type) __typeof__(type) other __attribute__((alias(#name)));
ALSO(open64, open, open64)
ALSO(openat64, openat, openat64)
ALSO(__open64_2, __open_2, __open_2)
ALSO(__openat64_2, __openat_2, __openat_2)
ALSO(stat64, stat, stat64)
ALSO(lstat64, lstat, lstat64)
ALSO(fstat64, fstat, fstat64)
ALSO(fstatat64, fstatat, fstatat64)
ALSO(__xstat64, __xstat, __xstat)
ALSO(__lxstat64, __lxstat, __lxstat)
ALSO(__fxstat64, __fxstat, __fxstat)
ALSO(__fxstatat64, __fxstatat, __fxstatat)
