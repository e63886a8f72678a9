// CLMDB: marks a crash inside LMDB, with what may be called in a signal handler only.
// sigaction(2), signal-safety(7).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CLMDB.h"
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t is_inside;
static volatile sig_atomic_t mark_descriptor = -1;
static volatile long mark_offset;

static void mark(int signal) {
    (void)signal;
    // SA_RESETHAND put the default back: on return the instruction faults again, or abort() goes
    // on, and the process dies as it would have.
    if (is_inside) {
        static const char one = 1;
        ssize_t ignored = pwrite(mark_descriptor, &one, 1, mark_offset);
        (void)ignored;
    }
}

void clmdb_mark_crashes(int descriptor, long offset) {
    mark_offset = offset;
    mark_descriptor = descriptor;
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_handler = mark, .sa_flags = SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

void clmdb_enter(void) {
    is_inside = 1;
}

void clmdb_leave(void) {
    is_inside = 0;
}
