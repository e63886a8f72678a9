// libclamav's public header.
// SPDX-License-Identifier: MIT
#include <clamav.h>
