// Descriptors: opening, naming, locking, passing.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CUnix.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const int cunix_O_TMPFILE = O_TMPFILE;
const int cunix_O_PATH = O_PATH;

int cunix_openat(int directory, const char *path, int flags, unsigned mode) {
    return openat(directory, path, flags, mode);
}

int cunix_link_nameless(int descriptor, int directory, const char *name) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
}

int cunix_write_out(int descriptor) {
    return sync_file_range(descriptor, 0, 0,
                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE
                               | SYNC_FILE_RANGE_WAIT_AFTER);
}

bool cunix_orders_names(int descriptor) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return false;
    return status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_SUPER_MAGIC;
}

bool cunix_is_on_nfs(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == NFS_SUPER_MAGIC;
}

int cunix_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}

int cunix_memfd(const char *name) {
    return memfd_create(name, MFD_CLOEXEC);
}

int cunix_fcntl(int descriptor, int command, int argument) {
    return fcntl(descriptor, command, argument);
}

int cunix_lock_open_file(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}

ssize_t cunix_send(int socket, const void *data, size_t length, const int *descriptors,
                   size_t count) {
    union {
        char bytes[CMSG_SPACE(CUNIX_MAXIMUM_DESCRIPTORS * sizeof(int))];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {.iov_base = (void *)data, .iov_len = length};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > CUNIX_MAXIMUM_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t cunix_receive(int socket, void *data, size_t length, int *descriptors, size_t *count) {
    // Room for more than we take, so that a sender of too many is seen and not cut.
    enum { room = 64 };
    union {
        char bytes[CMSG_SPACE(room * sizeof(int))];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {.iov_base = data, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    *count = 0;
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) return got;
    bool tooMany = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
            if (*count < CUNIX_MAXIMUM_DESCRIPTORS && !tooMany) {
                descriptors[(*count)++] = descriptor;
            } else {
                close(descriptor);
                tooMany = true;
            }
        }
    }
    if (!tooMany) return got;
    for (size_t i = 0; i < *count; i++) close(descriptors[i]);
    *count = 0;
    errno = EBADMSG;
    return -1;
}

int cunix_peer(int socket, pid_t *pid, uid_t *uid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    return 0;
}

static int address_of(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int cunix_unix_bind(int socket, const char *path) {
    struct sockaddr_un address;
    if (address_of(path, &address) != 0) return -1;
    return bind(socket, (struct sockaddr *)&address, sizeof address);
}

int cunix_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

int cunix_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

int cunix_unix_connect(int socket, const char *path) {
    struct sockaddr_un address;
    if (address_of(path, &address) != 0) return -1;
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

ssize_t cunix_unix_tell(const char *path, const void *data, size_t length) {
    struct sockaddr_un address;
    if (address_of(path, &address) != 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') address.sun_path[0] = '\0'; else size++;
    int teller = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (teller < 0) return -1;
    ssize_t sent = sendto(teller, data, length, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int error = errno;
    close(teller);
    errno = error;
    return sent;
}

bool cunix_unix_listens(int socket) {
    int domain = 0, type = 0, listens = 0;
    socklen_t size = sizeof(int);
    return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX
        && getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM
        && getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

int32_t *cunix_shared_counters(size_t count) {
    void *memory = mmap(NULL, count * sizeof(int32_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int32_t cunix_counter_add(int32_t *counter, int32_t value) {
    return __atomic_add_fetch(counter, value, __ATOMIC_SEQ_CST);
}

int32_t cunix_counter_get(const int32_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

void cunix_counter_set(int32_t *counter, int32_t value) {
    __atomic_store_n(counter, value, __ATOMIC_SEQ_CST);
}

bool cunix_counter_exchange(int32_t *counter, int32_t expected, int32_t desired) {
    return __atomic_compare_exchange_n(counter, &expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

uint64_t *cunix_shared_words(size_t count) {
    void *memory = mmap(NULL, count * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

uint64_t cunix_word_get(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void cunix_word_set(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

bool cunix_word_exchange(uint64_t *word, uint64_t expected, uint64_t desired) {
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}
