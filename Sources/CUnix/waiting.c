// Waiting: how a worker sleeps until there is work or it must stop.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CUnix.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_came, end_came, last_call_came;

static void remember_stop(int signal) {
    if (signal != SIGHUP) end_came = 1;
    if (signal == SIGUSR1) last_call_came = 1;
    stop_came = 1;
}

void cunix_catch_stop(void) {
    static const int stops[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    struct sigaction action = {.sa_handler = remember_stop};
    sigset_t blocked;
    sigemptyset(&blocked);
    stop_came = 0;
    end_came = 0;
    last_call_came = 0;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        sigaction(stops[i], &action, NULL);
        sigaddset(&blocked, stops[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

bool cunix_stop_came(void) {
    // A stop that came while we worked is still pending, since it is blocked then.
    sigset_t pending;
    if (stop_came || sigpending(&pending) != 0) return stop_came;
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT)
        || sigismember(&pending, SIGHUP);
}

bool cunix_end_came(void) {
    sigset_t pending;
    if (end_came || sigpending(&pending) != 0) return end_came;
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT);
}

bool cunix_last_call_came(void) {
    sigset_t pending;
    if (last_call_came || sigpending(&pending) != 0) return last_call_came;
    return sigismember(&pending, SIGUSR1);
}

int cunix_epoll(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int cunix_epoll_add_listener(int set, int listener, uint32_t index) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u32 = index};
    return epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
}

int64_t cunix_epoll_wait(int set, int milliseconds) {
    struct epoll_event event;
    sigset_t none;
    sigemptyset(&none);
    int ready = epoll_pwait(set, &event, 1, milliseconds, &none);
    if (ready > 0) return event.data.u32;
    return ready == 0 ? -2 : -1;
}

int cunix_epoll_add(int set, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

int cunix_epoll_remove(int set, int descriptor) {
    return epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL);
}

int cunix_epoll_ready(int set, int *descriptors, int capacity) {
    enum { most = 64 };
    struct epoll_event events[most];
    int ready = epoll_wait(set, events, capacity < most ? capacity : most, 0);
    for (int i = 0; i < ready; i++) descriptors[i] = events[i].data.fd;
    return ready;
}

int64_t cunix_allow_open_files(int64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if ((int64_t)limit.rlim_cur < wanted) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = (rlim_t)wanted < limit.rlim_max ? (rlim_t)wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
    }
    return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int cunix_wait_hangup(int descriptor, int milliseconds) {
    struct pollfd entry = {.fd = descriptor, .events = POLLRDHUP};
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    sigset_t none;
    sigemptyset(&none);
    return ppoll(&entry, 1, milliseconds < 0 ? NULL : &time, &none);
}

static volatile sig_atomic_t working_since;  // seconds of CLOCK_MONOTONIC, 0 while idle
static unsigned longest_work;

static sig_atomic_t seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (sig_atomic_t)(now.tv_sec + 1);  // never 0
}

static void look_at_work(int signal_number) {
    int saved = errno;
    sig_atomic_t since = working_since;
    unsigned worked = since == 0 ? 0 : (unsigned)(seconds_now() - since);
    if (worked >= longest_work) {
        // It is blocked until this handler returns; then it kills.
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    } else {
        alarm(longest_work - worked);
    }
    errno = saved;
}

void cunix_watch_arm(unsigned seconds) {
    struct sigaction action = {.sa_handler = look_at_work, .sa_flags = SA_RESTART};
    working_since = 0;
    longest_work = seconds;
    sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

void cunix_watch_begin(void) {
    working_since = seconds_now();
}

void cunix_watch_end(void) {
    working_since = 0;
}
