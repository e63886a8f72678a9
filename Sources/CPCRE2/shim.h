// PCRE2 declares its 8-bit functions only when told the width of a code unit.
// SPDX-License-Identifier: MIT
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
