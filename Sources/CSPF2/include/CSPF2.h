// CSPF2: libspf2 as one call - it evaluates policies whose names are tokens of ours.
// RFC 7208, section 4.6.
// SPDX-License-Identifier: MIT
#ifndef CSPF2_H
#define CSPF2_H

#include <stddef.h>
#include <stdint.h>

// What libspf2 evaluates is written by us: each domain-spec is a token that the callbacks turn
// into names, so that no byte of a stranger's record or name reaches the library.

// Takes the terms of a policy, or the records of an answer. Valid during one callback.
struct cspf2_terms;
struct cspf2_records;

// What asks back. Each returns 0, or not 0 to end the evaluation with CSPF2_STOPPED.
struct cspf2_callbacks {
    // The policy that a token stands for: calls cspf2_add_term for each of its terms.
    int (*policy)(void *context, const char *token, struct cspf2_terms *terms);
    // The addresses or exchanges that a token stands for: calls cspf2_add_address or
    // cspf2_add_exchange for each.
    int (*lookup)(void *context, const char *token, struct cspf2_records *records);
};

// Results. STOPPED is also what the library's own errors are.
enum cspf2_result {
    CSPF2_STOPPED = -1,
    CSPF2_NEUTRAL = 0,
    CSPF2_PASS = 1,
    CSPF2_FAIL = 2,
    CSPF2_SOFTFAIL = 3,
};

// The most terms of a policy: libspf2 counts them in a byte.
#define CSPF2_MAXIMUM_TERMS 255

// Adds one directive, or a redirect as the last. Returns 0, or -1 when there are too many or
// libspf2 cannot read it.
int cspf2_add_term(struct cspf2_terms *terms, const char *term);

// Adds an address of 4 or 16 bytes. Returns 0, or -1 when it is not of the kind that was asked for.
int cspf2_add_address(struct cspf2_records *records, const uint8_t *address, size_t length);

// Adds the token of an exchange. Returns 0 or -1.
int cspf2_add_exchange(struct cspf2_records *records, const char *token);

// Evaluates the policy of a token for a client's address of 4 or 16 bytes. Sets matched to 1 when
// a directive decided and to 0 when none matched.
enum cspf2_result cspf2_evaluate(const struct cspf2_callbacks *callbacks, void *context,
                                 const char *token, const uint8_t *address, size_t length,
                                 int *matched);

#endif
