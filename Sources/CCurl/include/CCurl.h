// CCurl: libcurl as one call, since its own are varargs - a GET by HTTPS, within limits.
// libcurl-easy(3).
// SPDX-License-Identifier: MIT
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

// What to ask, and how much may come of it.
struct ccurl_request {
    const char *url;
    // `HOST:PORT:ADDRESS[,ADDRESS...]`: the host is looked up nowhere else. CURLOPT_RESOLVE(3).
    const char *place;
    // A file of authorities in PEM.
    const char *authorities;
    // For all of it, in milliseconds.
    long time_limit;
    // The most bytes of a body.
    size_t size_limit;
};

enum ccurl_outcome {
    CCURL_ANSWERED = 0,
    // The certificate is not what it must be.
    CCURL_NOT_TRUSTED = 1,
    // The body is too long.
    CCURL_TOO_LONG = 2,
    // There was no answer.
    CCURL_FAILED = 3
};

// An answer, whatever its status.
struct ccurl_answer {
    long status;
    // Empty for none; one that is too long is cut.
    char content_type[256];
    uint8_t *body;
    size_t length;
    // Why there is none.
    char error[256];
};

// Asks. No redirection is followed, nothing but HTTPS is spoken, TLS 1.2 is the oldest. The body is
// freed by ccurl_free.
enum ccurl_outcome ccurl_get(const struct ccurl_request *request, struct ccurl_answer *answer);
void ccurl_free(struct ccurl_answer *answer);

#endif
