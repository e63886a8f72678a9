// The transport of a connection as two functions of its owner.
// BIO_meth_new(3).
// SPDX-License-Identifier: MIT
#include "COpenSSL.h"
#include <stdlib.h>

struct transport {
    void *owner;
    int (*receive)(void *, char *, int);
    int (*send)(void *, const char *, int);
    int (*flush)(void *);
    int is_at_end;
};

// Made once, in a process with one thread, and never freed.
static BIO_METHOD *method;

static int result_of(BIO *bio, int result, int retry) {
    BIO_clear_retry_flags(bio);
    if (result != COPENSSL_LATER)
        return result;
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return -1;
}

static int receive(BIO *bio, char *buffer, int size) {
    struct transport *transport = BIO_get_data(bio);
    int got = transport->receive(transport->owner, buffer, size);
    if (got == COPENSSL_CLOSED)
        transport->is_at_end = 1;
    return result_of(bio, got, BIO_FLAGS_READ);
}

static int send_bytes(BIO *bio, const char *bytes, int count) {
    struct transport *transport = BIO_get_data(bio);
    return result_of(bio, transport->send(transport->owner, bytes, count), BIO_FLAGS_WRITE);
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    struct transport *transport = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return result_of(bio, transport->flush(transport->owner), BIO_FLAGS_WRITE);
    case BIO_CTRL_EOF:
        return transport->is_at_end;
    default:
        return 0;
    }
}

static int destroy(BIO *bio) {
    free(BIO_get_data(bio));
    BIO_set_data(bio, NULL);
    return 1;
}

int copenssl_set_transport(
    SSL *ssl, void *owner, int (*receiver)(void *, char *, int),
    int (*sender)(void *, const char *, int), int (*flusher)(void *)) {
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "chainmail");
        if (method == NULL)
            return 0;
        BIO_meth_set_read(method, receive);
        BIO_meth_set_write(method, send_bytes);
        BIO_meth_set_ctrl(method, control);
        BIO_meth_set_destroy(method, destroy);
    }
    struct transport *transport = calloc(1, sizeof *transport);
    BIO *bio = transport == NULL ? NULL : BIO_new(method);
    if (bio == NULL) {
        free(transport);
        return 0;
    }
    *transport = (struct transport){owner, receiver, sender, flusher, 0};
    BIO_set_data(bio, transport);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return 1;
}
