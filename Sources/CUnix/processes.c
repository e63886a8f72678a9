// Processes: fork, exec, signals.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CUnix.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t cunix_fork(void) {
    return fork();
}

void cunix_exit(int code) {
    _exit(code);
}

int cunix_die_with_parent(int signal) {
    return prctl(PR_SET_PDEATHSIG, signal);
}

int cunix_hide_memory(void) {
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 ? prctl(PR_SET_DUMPABLE, 0) : -1;
}

void cunix_set_name(const char *name) {
    prctl(PR_SET_NAME, name);
}

void cunix_reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction current;
        if (sigaction(signal, NULL, &current) == 0 && current.sa_handler != SIG_DFL)
            sigaction(signal, &standard, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// In the child: puts every descriptor where the map says. Sources are first moved out of the way
// of the targets, since one's source may be another's target.
static int place(const struct cunix_descriptor *map, size_t count, bool keep_others) {
    int highest = 2;
    for (size_t i = 0; i < count; i++)
        if (map[i].target > highest) highest = map[i].target;
    int moved[count + 1];
    for (size_t i = 0; i < count; i++) {
        moved[i] = fcntl(map[i].source, F_DUPFD_CLOEXEC, highest + 1);
        if (moved[i] < 0) return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (dup2(moved[i], map[i].target) < 0) return -1;
    if (keep_others) return 0;
    for (int other = 3; other < highest; other++) {
        bool isNamed = false;
        for (size_t i = 0; i < count; i++) isNamed = isNamed || map[i].target == other;
        if (!isNamed) close(other);
    }
    close_range((unsigned)highest + 1, ~0U, 0);
    return 0;
}

// In the child: becomes another user. By system calls, since glibc would change the threads of our
// parent too, whose memory we share. The groups go first: they need the old user's rights.
static int become(const struct cunix_terms *terms) {
    struct rlimit nothing = {0, 0};
    if (terms->dumps_nothing && setrlimit(RLIMIT_CORE, &nothing) != 0) return -1;
    if (terms->changes_user) {
        uid_t user = terms->user;
        gid_t group = terms->group;
        if (syscall(SYS_setgroups, terms->group_count, terms->groups) != 0) return -1;
        if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
        if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    }
    return terms->gains_nothing ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}

// In the child: says in the environment whom passed sockets are for. sd_listen_fds(3).
static void name_listener(char *const environment[], pid_t self) {
    static const char name[] = "LISTEN_PID=";
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, sizeof name - 1) != 0) continue;
        char digits[12], *value = environment[i] + sizeof name - 1;
        size_t count = 0, room = strlen(value);
        for (unsigned rest = (unsigned)self; rest > 0 || count == 0; rest /= 10)
            digits[count++] = (char)('0' + rest % 10);
        if (count > room) return;
        for (size_t at = 0; at < count; at++) value[at] = digits[count - 1 - at];
        value[count] = '\0';
    }
}

pid_t cunix_spawn(const char *path, char *const arguments[], char *const environment[],
                  const struct cunix_descriptor *map, size_t count, bool keep_others,
                  int death_signal, bool own_group, const char *directory,
                  const struct cunix_terms *terms) {
    volatile int failure = 0;
    pid_t parent = getpid();
    sigset_t all, before;
    sigfillset(&all);
    // The child shares our memory until it execs: no handler of ours may run in it.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = vfork();
    if (pid == 0) {
        // A change of user forgets the death signal.
        bool ready = place(map, count, keep_others) == 0
            && (!own_group || setpgid(0, 0) == 0)
            && (directory == NULL || chdir(directory) == 0)
            && become(terms) == 0
            && (death_signal == 0 || cunix_die_with_parent(death_signal) == 0);
        if (ready && death_signal != 0 && getppid() != parent) {
            errno = ESRCH;
            ready = false;
        }
        if (ready) {
            cunix_reset_signals();
            if (terms->gets_sockets) name_listener(environment, getpid());
            execve(path, arguments, environment);
        }
        failure = errno;
        _exit(127);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid > 0 && failure != 0) {
        waitpid(pid, NULL, 0);
        error = failure;
        pid = -1;
    }
    errno = error;
    return pid;
}

int cunix_pidfd(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool cunix_exited(int status) {
    return WIFEXITED(status);
}

int cunix_exit_code(int status) {
    return WEXITSTATUS(status);
}

int cunix_termination_signal(int status) {
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int cunix_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int cunix_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t got = read(descriptor, &info, sizeof info);
    if (got == sizeof info) return (int)info.ssi_signo;
    return got < 0 && errno != EAGAIN ? -1 : 0;
}

char **cunix_environment(void) {
    return environ;
}
