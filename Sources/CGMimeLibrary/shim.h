// GMime's public header, for CGMime alone: what it needs of GLib is behind that door too.
// SPDX-License-Identifier: MIT
#include <gmime/gmime.h>
