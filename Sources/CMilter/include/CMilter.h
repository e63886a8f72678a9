// CMilter: libmilter, and the two things that its callbacks need and cannot be handed.
// /usr/include/libmilter/mfapi.h
// SPDX-License-Identifier: MIT
#ifndef CMILTER_H
#define CMILTER_H

#include <sys/types.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

// Callbacks get nothing of ours but what they attach to a connection themselves: this is where
// they find the server. It is set once, before the first thread.
void cmilter_set_owner(const void *owner);
const void *cmilter_owner(void);

// libmilter takes SIGHUP, SIGTERM and SIGINT for the end. This counts SIGUSR1 instead.
int cmilter_count_reloads(void);
int cmilter_reloads(void);

#endif
