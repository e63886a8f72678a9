// CLMDB: LMDB's public header, and what a process leaves behind that crashes inside LMDB.
// SPDX-License-Identifier: MIT
#ifndef CLMDB_H
#define CLMDB_H

#include <lmdb.h>

// LMDB trusts its file: a damaged page can make it touch what is not there. From now on a SIGSEGV,
// SIGBUS, SIGFPE, SIGILL or SIGABRT between clmdb_enter and clmdb_leave writes one byte, 1, at
// this offset of this descriptor, so that the next process knows, and then takes its usual course.
void clmdb_mark_crashes(int descriptor, long offset);
void clmdb_enter(void);
void clmdb_leave(void);

#endif
