// LMDB's public header.
// SPDX-License-Identifier: MIT
#include <lmdb.h>
