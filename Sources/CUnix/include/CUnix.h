// CUnix: what Swift cannot import of Linux and glibc - variadic calls, macros, fork, ancillary data.
// Each function says which call it stands for and returns what that call returns, errno included.
// SPDX-License-Identifier: MIT
#ifndef CUNIX_H
#define CUNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// syncfs(2), which needs _GNU_SOURCE.
int cunix_sync_file_system(int descriptor);

// openat(2): variadic.
int cunix_openat(int directory, const char *path, int flags, unsigned mode);
// O_TMPFILE and O_PATH: hidden behind _GNU_SOURCE.
extern const int cunix_O_TMPFILE;
extern const int cunix_O_PATH;
// linkat(2) of a nameless file, through /proc/self/fd.
// sync_file_range(2): what was written to the file goes to the disk now, and is waited for. Size and
// place of the file need not be there afterwards. ENOSYS where the file system has no such call.
int cunix_write_out(int descriptor);
// fstatfs(2): true for file systems whose journal never has a name before the size and the blocks
// that the named file got earlier: ext4 and XFS.
bool cunix_orders_names(int descriptor);
// True on NFS, where flock(2) takes the lock of fcntl(2) under another owner.
bool cunix_is_on_nfs(int descriptor);

int cunix_link_nameless(int descriptor, int directory, const char *name);
// memfd_create(2), close-on-exec.
int cunix_memfd(const char *name);
// fcntl(2) with an int: variadic.
int cunix_fcntl(int descriptor, int command, int argument);
// fcntl(2) F_OFD_SETLK of the whole file, exclusive: a lock that belongs to the open file.
int cunix_lock_open_file(int descriptor);

// fork(2): Swift refuses to import it. Only for processes with one thread.
pid_t cunix_fork(void);
// _exit(2), without saying that it does not return: where Swift knows that control never comes back
// it ends the lifetime of what a caller owns before the call, and descriptors would be closed
// under a forked worker's feet.
void cunix_exit(int code);
// prctl(2) PR_SET_PDEATHSIG.
int cunix_die_with_parent(int signal);
// prctl(2) PR_SET_DUMPABLE and setrlimit(2) RLIMIT_CORE: no core dump of this process and those that
// it forks, and no look into its memory by others of its user.
int cunix_hide_memory(void);
// prctl(2) PR_SET_NAME.
void cunix_set_name(const char *name);

// One descriptor of a child and where it comes from.
struct cunix_descriptor {
    int target;
    int source;
};

// Whom a child runs as, and what it may do.
struct cunix_terms {
    // setgroups(2), setresgid(2), setresuid(2): for this child alone, whatever threads there are.
    bool changes_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    // prctl(2) PR_SET_NO_NEW_PRIVS.
    bool gains_nothing;
    // setrlimit(2) RLIMIT_CORE 0.
    bool dumps_nothing;
    // The variable LISTEN_PID in the environment, which has room for ten digits, becomes the
    // child's process id. The environment must not be our own then.
    bool gets_sockets;
};

// Starts a program: fork and exec with error report, through vfork(2). Signals are unblocked and
// at their defaults in the child, descriptors beyond the map are closed when keep_others is false.
// death_signal 0: the child outlives its parent; own_group: it leads a process group of its own.
// Returns the pid, or -1 with errno.
pid_t cunix_spawn(const char *path, char *const arguments[], char *const environment[],
                  const struct cunix_descriptor *map, size_t count, bool keep_others,
                  int death_signal, bool own_group, const char *directory,
                  const struct cunix_terms *terms);
// pidfd_open(2): a descriptor that is readable once the child has ended.
int cunix_pidfd(pid_t pid);

// The macros of wait(2).
bool cunix_exited(int status);
int cunix_exit_code(int status);
int cunix_termination_signal(int status);

// sendmsg(2) and recvmsg(2) with SCM_RIGHTS. At most CUNIX_MAXIMUM_DESCRIPTORS; a message that
// brings more has them closed and is EBADMSG. Received descriptors are close-on-exec.
#define CUNIX_MAXIMUM_DESCRIPTORS 4
ssize_t cunix_send(int socket, const void *data, size_t length, const int *descriptors,
                   size_t count);
ssize_t cunix_receive(int socket, void *data, size_t length, int *descriptors, size_t *count);

// getsockopt(2) SO_PEERCRED: the user of the other end; -1 when it is not known.
int cunix_peer(int socket, pid_t *pid, uid_t *uid);

// signalfd(2), non-blocking and close-on-exec, of these signals, which are blocked.
int cunix_signal_descriptor(const int *signals, size_t count);
// The next signal of a signalfd; 0 when there is none, -1 with errno.
int cunix_next_signal(int descriptor);
// Unblocks all signals and sets them to their defaults.
void cunix_reset_signals(void);

// mmap(2) of shared zeroed memory that children inherit; NULL with errno.
int32_t *cunix_shared_counters(size_t count);
// Atomic operations on one of them.
int32_t cunix_counter_add(int32_t *counter, int32_t value);
int32_t cunix_counter_get(const int32_t *counter);
void cunix_counter_set(int32_t *counter, int32_t value);
bool cunix_counter_exchange(int32_t *counter, int32_t expected, int32_t desired);

// The same for words of 64 bits.
uint64_t *cunix_shared_words(size_t count);
uint64_t cunix_word_get(const uint64_t *word);
void cunix_word_set(uint64_t *word, uint64_t value);
bool cunix_word_exchange(uint64_t *word, uint64_t expected, uint64_t desired);

// sockaddr_un and its bind(2) and connect(2): a union of casts in Swift. The path must fit.
int cunix_unix_bind(int socket, const char *path);
int cunix_unix_connect(int socket, const char *path);
// One datagram to a Unix socket, whose path may begin with @ for the abstract name space.
ssize_t cunix_unix_tell(const char *path, const void *data, size_t length);
// True for a Unix stream socket that listens.
bool cunix_unix_listens(int socket);

// pipe2(2), close-on-exec and non-blocking: needs _GNU_SOURCE.
int cunix_pipe(int ends[2]);
// accept4(2), close-on-exec: needs _GNU_SOURCE.
int cunix_accept(int listener);

// An epoll(7) set for workers that share listeners: a connection wakes one of them
// (EPOLLEXCLUSIVE). Listeners are told apart by their index.
int cunix_epoll(void);
int cunix_epoll_add_listener(int set, int listener, uint32_t index);
// epoll_pwait(2) for one event with every signal unblocked while it waits and only then. Returns
// the listener's index, -2 when the time is over, -1 with errno.
int64_t cunix_epoll_wait(int set, int milliseconds);
// For a process that holds many connections: epoll_ctl(2) for one that shall be told of what it
// says (EPOLLIN), the same for one that leaves, and epoll_wait(2) without waiting. The data is the
// descriptor's number.
int cunix_epoll_add(int set, int descriptor);
int cunix_epoll_remove(int set, int descriptor);
int cunix_epoll_ready(int set, int *descriptors, int capacity);
// setrlimit(2) RLIMIT_NOFILE: as many open files as wanted, where the hard limit lets us. Returns
// how many there may be.
int64_t cunix_allow_open_files(int64_t wanted);
// A worker that works on one thing for longer than so many seconds is killed by SIGALRM. To begin
// and to end costs no system call: the alarm comes now and then, and only looks.
void cunix_watch_arm(unsigned seconds);
void cunix_watch_begin(void);
void cunix_watch_end(void);

// ppoll(2), with every signal unblocked while it waits, until the other end of a connection sends
// no more or is gone. Returns 1 then, 0 when the time is over, -1 with errno. POLLRDHUP needs
// _GNU_SOURCE.
int cunix_wait_hangup(int descriptor, int milliseconds);
// A handler for SIGTERM, SIGHUP and the like that only remembers; signals stay blocked outside of
// cunix_epoll_wait. SIGALRM and SIGPIPE are left alone.
void cunix_catch_stop(void);
// True once SIGTERM, SIGINT or SIGHUP came: nothing more is begun.
bool cunix_stop_came(void);
// True once SIGTERM or SIGINT came: what is being done ends where it may.
bool cunix_end_came(void);
// True once SIGUSR1 came after that: the process is killed in a moment.
bool cunix_last_call_came(void);

// The environment of this process: glibc's environ is shared mutable state to Swift.
char **cunix_environment(void);

#endif
