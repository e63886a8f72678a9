// What ssl.h and x509v3.h have as macros.
// ssl(7).
// SPDX-License-Identifier: MIT
#include "COpenSSL.h"
#include <string.h>

void copenssl_set_defaults(SSL_CTX *context) {
    // A record that was begun is given up with the connection: its bytes may move until then.
    SSL_CTX_set_mode(
        context,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
            | SSL_OP_PRIORITIZE_CHACHA);
}

int copenssl_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) == 1
        && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

void copenssl_set_dh_auto(SSL_CTX *context) {
    SSL_CTX_set_dh_auto(context, 1);
}

int copenssl_add_chain(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add0_chain_cert(context, certificate) == 1;
}

// One function for all contexts: whom it is for is its argument.
static SSL_CTX *(*chooser)(void *, const char *);

static int choose(SSL *ssl, int *alert, void *owner) {
    (void)alert;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX *context = chooser(owner, name);
    // A session that is resumed later remembers only a name that was acknowledged.
    if (context == NULL)
        return SSL_TLSEXT_ERR_OK;
    return SSL_set_SSL_CTX(ssl, context) == NULL ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
}

void copenssl_set_chooser(
    SSL_CTX *context, void *owner, SSL_CTX *(*function)(void *, const char *)) {
    chooser = function;
    SSL_CTX_set_tlsext_servername_callback(context, choose);
    SSL_CTX_set_tlsext_servername_arg(context, owner);
}

int copenssl_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

int copenssl_has_extended_master_secret(SSL *ssl) {
    return SSL_get_extms_support(ssl) == 1;
}

void copenssl_free(void *pointer) {
    OPENSSL_free(pointer);
}

int copenssl_is_retry(int error) {
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}
