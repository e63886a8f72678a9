// libpq's public header.
// SPDX-License-Identifier: MIT
#include <libpq-fe.h>
