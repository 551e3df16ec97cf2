/* The fwctl core (drivers/fwctl/main.c) for one process: its checks, in its order, and its copying.
 *
 * Done here: ioctl number, struct size, zero tail, flags, lengths, capability, and EFAULT for pointers that are none.
 * The rest (taint, scope, driver, firmware) is asked of the server; tests/shim/server.py is the other end.
 *
 * Every ioctl makes a connection of its own and names the open file by the cookie of its socket: threads and forked
 * children do not get in each other's way, and one that is killed leaves nothing half said.
 */
#define _GNU_SOURCE
#include "fwctl_core.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char DEVICE[] = "/dev/fwctl/fwctl";
static const char SOCKET[] = NODES "/fwctl";

struct peer { /* one byte more than the kernel fills: always a string */
	struct sockaddr_un address;
	char end;
};
_Static_assert(sizeof(SOCKET) + 4 <= sizeof(((struct sockaddr_un *)0)->sun_path), "NODES is too long for a socket");

static int number_after(const char *path, const char *start)
{
	size_t length = strlen(start);
	char *end;
	long number;

	if (!path || strncmp(path, start, length) || path[length] < '0' || path[length] > '9')
		return -1;
	if (path[length] == '0' && path[length + 1])
		return -1;
	number = strtol(path + length, &end, 10);
	return *end || number > 4095 ? -1 : (int)number;
}

int node_of_path(const char *path)
{
	return number_after(path, DEVICE);
}

int node_of_fd(int fd)
{
	struct peer peer = {0};
	socklen_t size = sizeof(peer.address);
	int before = errno, node = -1;

	if (!getpeername(fd, (struct sockaddr *)&peer.address, &size) && peer.address.sun_family == AF_UNIX)
		node = number_after(peer.address.sun_path, SOCKET);
	errno = before;
	return node;
}

struct sockaddr_un address_of(int node)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s%d", SOCKET, node);
	return address;
}

/* ---- talking to the server; all of these return 0 or an errno ---- */

enum { OPEN, INFO, RPC };

struct call {
	uint32_t kind;
	uint32_t scope;
	uint64_t file; /* the cookie of the open file's socket */
	uint32_t in_len;
	uint32_t out_len;
};

struct answer {
	uint32_t error;
	uint32_t length;
};

static int send_all(int fd, const void *data, size_t size)
{
	for (const char *at = data; size;) {
		ssize_t done = send(fd, at, size, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return ENODEV;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t size)
{
	for (char *at = data; size;) {
		ssize_t done = recv(fd, at, size, 0);

		if (done < 0 && errno == EINTR) /* the driver's wait for firmware is not interruptible either */
			continue;
		if (done <= 0)
			return ENODEV;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

static int cookie_of(int fd, uint64_t *cookie)
{
	socklen_t size = sizeof(*cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size) ? errno : 0;
}

static int dial(int node, int *fd)
{
	struct sockaddr_un address = address_of(node);

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	while (connect(*fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		if (error == EINTR)
			continue;
		close(*fd);
		return error == ECONNREFUSED ? ENODEV : error; /* nobody listens any more: it is going away */
	}
	return 0;
}

/* Send one message and take the answer's data, which the caller frees. */
static int ask(int fd, struct call call, const void *in, struct answer *answer, void **out)
{
	int error;

	*out = NULL;
	if ((error = send_all(fd, &call, sizeof(call))) || (error = send_all(fd, in, call.in_len)) ||
	    (error = receive_all(fd, answer, sizeof(*answer))))
		return error;
	*out = malloc((size_t)answer->length + 1);
	if (!*out)
		return ENOMEM;
	if ((error = receive_all(fd, *out, answer->length)))
		return error;
	return (int)answer->error;
}

/* ---- the caller's memory, touched so that a wild pointer is an error and not a crash ---- */

static ssize_t move_in(void *to, uint64_t from, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};

	return size ? process_vm_readv(getpid(), &local, 1, &remote, 1, 0) : 0;
}

static int from_user(void *to, uint64_t from, size_t size)
{
	return move_in(to, from, size) == (ssize_t)size ? 0 : EFAULT;
}

static int to_user(uint64_t to, const void *from, size_t size)
{
	struct iovec local = {(void *)(uintptr_t)from, size}, remote = {(void *)(uintptr_t)to, size};

	return !size || process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : EFAULT;
}

static int clear_user(uint64_t to, size_t size)
{
	static const char zeros[4096];

	while (size) {
		size_t part = size < sizeof(zeros) ? size : sizeof(zeros);

		if (to_user(to, zeros, part))
			return EFAULT;
		to += part;
		size -= part;
	}
	return 0;
}

/* copy_struct_from_user: what the kernel does not know must be zero. */
static int zero_tail(uint64_t from, size_t size)
{
	char part[4096];

	while (size) {
		size_t wanted = size < sizeof(part) ? size : sizeof(part);
		ssize_t got = move_in(part, from, wanted);

		for (ssize_t at = 0; at < got; at++)
			if (part[at])
				return E2BIG;
		if (got != (ssize_t)wanted)
			return EFAULT;
		from += wanted;
		size -= wanted;
	}
	return 0;
}

/* ---- the two commands (include/uapi/fwctl/fwctl.h); all of these return 0 or an errno ---- */

struct fwctl_info {
	uint32_t size, flags, out_device_type, device_data_len;
	uint64_t out_device_data;
};

struct fwctl_rpc {
	uint32_t size, scope, in_len, out_len;
	uint64_t in, out;
};

enum { MAX_RPC_LEN = 2 << 20, SCOPE_FULL = 3 };

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static int capable(unsigned int number)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};

	return !syscall(SYS_capget, &header, data) && (data[number / 32].effective >> number % 32 & 1);
}

static int info(int server, uint64_t file, void *buffer, uint64_t user)
{
	struct fwctl_info *command = buffer;
	uint32_t capacity = command->device_data_len;
	struct call call = {INFO, 0, file, 0, capacity};
	struct answer answer;
	void *data;
	int error;

	if (command->flags)
		return EOPNOTSUPP;
	error = ask(server, call, NULL, &answer, &data);
	if (!error && answer.length < 2 * sizeof(uint32_t))
		error = EPROTO;
	if (!error) {
		uint32_t *head = data; /* device type and length, then the driver's data */
		size_t copied = least(answer.length - 2 * sizeof(*head), capacity);

		if (to_user(command->out_device_data, head + 2, copied) ||
		    clear_user(command->out_device_data + copied, capacity - copied))
			error = EFAULT;
		command->out_device_type = head[0];
		command->device_data_len = head[1];
	}
	free(data);
	return error ? error : to_user(user, command, least(command->size, sizeof(*command)));
}

static int rpc(int server, uint64_t file, void *buffer, uint64_t user)
{
	struct fwctl_rpc *command = buffer;
	struct call call = {RPC, command->scope, file, command->in_len, command->out_len};
	struct answer answer;
	void *in, *out = NULL;
	int error, unreadable;

	if (command->in_len > MAX_RPC_LEN || command->out_len > MAX_RPC_LEN)
		return EMSGSIZE;
	if (command->scope == SCOPE_FULL && !capable(CAP_SYS_RAWIO))
		return EPERM;
	in = calloc(1, (size_t)command->in_len + 1);
	if (!in)
		return ENOMEM;
	/* The core looks at the scope, and taints, before it copies: an empty command makes the server say what of that. */
	unreadable = from_user(in, command->in, command->in_len);
	if (unreadable)
		call.in_len = 0;
	error = ask(server, call, in, &answer, &out);
	if (unreadable && error != EOPNOTSUPP && error != ENODEV)
		error = EFAULT;
	if (!error)
		error = to_user(command->out, out, least(command->out_len, answer.length));
	if (!error) {
		command->out_len = answer.length;
		error = to_user(user, command, least(command->size, sizeof(*command)));
	}
	free(in);
	free(out);
	return error;
}

static const struct operation {
	uint32_t number, size;
	int (*execute)(int server, uint64_t file, void *buffer, uint64_t user);
} OPERATIONS[] = {
	{_IO(0x9A, 0), sizeof(struct fwctl_info), info},
	{_IO(0x9A, 1), sizeof(struct fwctl_rpc), rpc},
};

static int execute(int fd, int node, const struct operation *operation, uint64_t user)
{
	union {
		struct fwctl_info info;
		struct fwctl_rpc rpc;
	} buffer = {0};
	uint64_t file;
	uint32_t size;
	int error, server;

	if (from_user(&size, user, sizeof(size)))
		return EFAULT;
	if (size < operation->size)
		return EINVAL;
	if ((error = zero_tail(user + operation->size, size - operation->size)) ||
	    (error = from_user(&buffer, user, operation->size)))
		return error;
	if ((error = cookie_of(fd, &file)) || (error = dial(node, &server)))
		return error == ENOENT ? ENODEV : error; /* the driver was unbound while the file is open */
	error = operation->execute(server, file, &buffer, user);
	close(server);
	return error;
}

int node_ioctl(int fd, int node, uint32_t number, uint64_t user)
{
	for (size_t at = 0; at < sizeof(OPERATIONS) / sizeof(OPERATIONS[0]); at++)
		if (OPERATIONS[at].number == number)
			return execute(fd, node, &OPERATIONS[at], user);
	return ENOTTY;
}

int node_open(int node, int *fd)
{
	struct call call = {.kind = OPEN};
	struct answer answer;
	void *data = NULL;
	int error = dial(node, fd);

	if (error)
		return error;
	if (!(error = cookie_of(*fd, &call.file)))
		error = ask(*fd, call, NULL, &answer, &data);
	free(data);
	if (error)
		close(*fd);
	return error;
}
