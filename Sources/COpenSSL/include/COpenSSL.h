// COpenSSL: libssl and libcrypto, with functions for what are macros, stacks or varargs there.
// ssl(7), crypto(7).
// SPDX-License-Identifier: MIT
#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>

// What the two functions of a BIO return besides a number of bytes.
#define COPENSSL_CLOSED 0
#define COPENSSL_FAILED (-1)
// Nothing now; the same call may be made again.
#define COPENSSL_LATER (-2)

// Makes a connection read and write by these functions; `flush` returns 1, or one of the above.
// Returns 0 when there is no memory.
int copenssl_set_transport(
    SSL *ssl, void *owner, int (*receive)(void *owner, char *buffer, int size),
    int (*send)(void *owner, const char *bytes, int count), int (*flush)(void *owner));

// What every context of ours has: no session cache, no compression, no renegotiation, no buffers
// for idle connections, whole records read with one call.
void copenssl_set_defaults(SSL_CTX *context);
// The lowest and the highest version, such as TLS1_2_VERSION. Returns 1, or 0 on error.
int copenssl_set_versions(SSL_CTX *context, int lowest, int highest);
// Parameters for DHE come from the library.
void copenssl_set_dh_auto(SSL_CTX *context);
// Adds a certificate to the chain of the last one; the context takes it over. Returns 1 or 0.
int copenssl_add_chain(SSL_CTX *context, X509 *certificate);
// Asks for the context of the name that a client asks for: `choose` gets it and returns what to
// use, or NULL for what there is.
void copenssl_set_chooser(
    SSL_CTX *context, void *owner, SSL_CTX *(*choose)(void *owner, const char *name));
// A client tells this name. Returns 1 or 0.
int copenssl_set_server_name(SSL *ssl, const char *name);
// True when RFC 7627 was negotiated.
int copenssl_has_extended_master_secret(SSL *ssl);
// True for an answer of SSL_get_error that only means: again.
int copenssl_is_retry(int error);

// OPENSSL_free, for what the library has allocated.
void copenssl_free(void *pointer);

// Calls back for each name of the certificate that is text: type GEN_EMAIL or GEN_DNS for those
// of subjectAltName, GEN_DIRNAME for the common name. One that holds NUL is left out.
void copenssl_names(
    X509 *certificate, void *owner,
    void (*take)(void *owner, int type, const unsigned char *name, int length));

// A P-256 key and a certificate of it by itself for this host name, for so many days. Returns 1,
// or 0 with the reason in the error queue.
int copenssl_self_signed(const char *name, int days, EVP_PKEY **key, X509 **certificate);

// Keys of session tickets in memory that all processes share which are forked later. Each key is
// used for `period` seconds and obeyed for three times as long. Returns NULL on error.
struct copenssl_tickets;
struct copenssl_tickets *copenssl_tickets_new(int64_t period);
// Replaces the current key now. Returns 1, or 0 when another process is about to do it.
int copenssl_tickets_rotate(struct copenssl_tickets *tickets);
// Tickets of this context are made with these keys; without keys there are no tickets.
void copenssl_set_tickets(SSL_CTX *context, struct copenssl_tickets *tickets);

#endif
