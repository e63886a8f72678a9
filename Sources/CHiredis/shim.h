// hiredis: how commands and replies of Redis are written and read. The sockets are ours.
// SPDX-License-Identifier: MIT
#include <hiredis/hiredis.h>
