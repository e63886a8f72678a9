// GNU SASL's public header.
// SPDX-License-Identifier: MIT
#include <gsasl.h>
#include <string.h>

// The library keeps a copy of each property and frees it as it is. What it gives out is const, so that
// Swift cannot write to it.
static inline void cgsasl_wipe(Gsasl_session *session, Gsasl_property property) {
    const char *value = gsasl_property_fast(session, property);
    if (value) explicit_bzero((void *)value, strlen(value));
}
