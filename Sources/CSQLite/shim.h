// SQLite's public header.
// SPDX-License-Identifier: MIT
#include <sqlite3.h>

// The macro is a cast, which Swift cannot import: SQLite copies what is bound.
static inline sqlite3_destructor_type csqlite_transient(void) { return SQLITE_TRANSIENT; }
