// CMilter: libmilter, and the two things that its callbacks need and cannot be handed.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CMilter.h"
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static const void *owner;
static atomic_int reloads;

void cmilter_set_owner(const void *value) {
    owner = value;
}

const void *cmilter_owner(void) {
    return owner;
}

static void count(int signal) {
    (void)signal;
    atomic_fetch_add(&reloads, 1);
}

int cmilter_count_reloads(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count;
    action.sa_flags = SA_RESTART;
    return sigaction(SIGUSR1, &action, NULL);
}

int cmilter_reloads(void) {
    return atomic_load(&reloads);
}
