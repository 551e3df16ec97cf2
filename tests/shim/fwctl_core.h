/* What the two halves of the preload library share: fwctl_core.c answers, fwctl_shim.c stands in the C library's place.
 *
 * NODES (a string: the folder of the server's sockets) and MAJOR (the device number to show) come from the compiler's
 * command line. Functions return 0 or an errno where nothing else is said.
 */
#ifndef FWCTL_CORE_H
#define FWCTL_CORE_H

#include <stdint.h>
#include <sys/un.h>

#pragma GCC visibility push(hidden)

/* The N of /dev/fwctl/fwctlN, and of the open file behind a descriptor; -1 for any other. */
int node_of_path(const char *path);
int node_of_fd(int fd);

/* The socket behind a node. */
struct sockaddr_un address_of(int node);

/* Open a node; the descriptor closes on exec. */
int node_open(int node, int *fd);

/* Do an ioctl on a descriptor of a node; `user` is the caller's pointer. */
int node_ioctl(int fd, int node, uint32_t number, uint64_t user);

#pragma GCC visibility pop

#endif
