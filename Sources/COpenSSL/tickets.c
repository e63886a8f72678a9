// Keys of session tickets, shared by the processes of a pool over all of its generations.
// SSL_CTX_set_tlsext_ticket_key_evp_cb(3); RFC 5077, section 5.5.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "COpenSSL.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KEYS 4
#define IV_SIZE 16

// Read while it may be written: whoever gets a mixture has a key that fits no ticket, since every
// ticket has a MAC, and makes a full handshake.
struct key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
};

struct slot {
    struct key key;
    // Seconds since the host began; 0 while there is no key.
    _Atomic int64_t began;
};

struct copenssl_tickets {
    int64_t period;
    _Atomic uint32_t current;
    // The process that makes a key; 0 when none does.
    _Atomic int32_t writer;
    struct slot slots[KEYS];
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec + 1;
}

static int lock(struct copenssl_tickets *tickets) {
    int32_t nobody = 0;
    if (atomic_compare_exchange_strong(&tickets->writer, &nobody, getpid()))
        return 1;
    // Whoever died while making a key makes it no more.
    int32_t holder = nobody;
    return holder != getpid() && kill(holder, 0) != 0 && errno == ESRCH
        && atomic_compare_exchange_strong(&tickets->writer, &holder, getpid());
}

static void unlock(struct copenssl_tickets *tickets) {
    atomic_store(&tickets->writer, 0);
}

static int make_key(struct copenssl_tickets *tickets) {
    uint32_t next = (atomic_load(&tickets->current) + 1) % KEYS;
    struct slot *slot = &tickets->slots[next];
    struct key key;
    if (RAND_bytes((unsigned char *)&key, sizeof key) != 1)
        return 0;
    atomic_store(&slot->began, 0);
    slot->key = key;
    OPENSSL_cleanse(&key, sizeof key);
    atomic_store(&slot->began, now());
    atomic_store(&tickets->current, next);
    return 1;
}

struct copenssl_tickets *copenssl_tickets_new(int64_t period) {
    struct copenssl_tickets *tickets = mmap(
        NULL, sizeof *tickets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tickets == MAP_FAILED)
        return NULL;
    // Keys belong in no core file.
    madvise(tickets, sizeof *tickets, MADV_DONTDUMP);
    tickets->period = period;
    if (!make_key(tickets)) {
        munmap(tickets, sizeof *tickets);
        return NULL;
    }
    return tickets;
}

int copenssl_tickets_rotate(struct copenssl_tickets *tickets) {
    if (!lock(tickets))
        return 0;
    int result = make_key(tickets);
    unlock(tickets);
    return result;
}

static struct slot *current_slot(struct copenssl_tickets *tickets) {
    struct slot *slot = &tickets->slots[atomic_load(&tickets->current) % KEYS];
    if (now() - atomic_load(&slot->began) < tickets->period || !lock(tickets))
        return slot;
    // Another process may have been faster.
    slot = &tickets->slots[atomic_load(&tickets->current) % KEYS];
    if (now() - atomic_load(&slot->began) >= tickets->period)
        make_key(tickets);
    unlock(tickets);
    return &tickets->slots[atomic_load(&tickets->current) % KEYS];
}

// Copies the key of a name. Returns 0 when there is none that still counts, 1 for the current one,
// 2 for an older one.
static int find(struct copenssl_tickets *tickets, const unsigned char *name, struct key *key) {
    uint32_t current = atomic_load(&tickets->current) % KEYS;
    for (uint32_t i = 0; i < KEYS; i++) {
        struct slot *slot = &tickets->slots[i];
        int64_t began = atomic_load(&slot->began);
        if (began == 0 || now() - began >= 3 * tickets->period)
            continue;
        *key = slot->key;
        if (CRYPTO_memcmp(key->name, name, sizeof key->name) == 0)
            return i == current ? 1 : 2;
    }
    return 0;
}

static int set_mac(EVP_MAC_CTX *mac, struct key *key) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters);
}

// Called by libssl to make a ticket, or to read one: 0 is a ticket that is not obeyed, 1 one that
// is, 2 one that is and should be replaced by a new one.
static int ticket(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int makes) {
    struct copenssl_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct key key;
    int result = 1;
    if (tickets == NULL)
        return 0;
    if (makes) {
        key = current_slot(tickets)->key;
        memcpy(name, key.name, sizeof key.name);
        result = RAND_bytes(iv, IV_SIZE) == 1
            && EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1
            && set_mac(mac, &key);
    } else {
        result = find(tickets, name, &key);
        if (result > 0
            && (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) != 1
                || !set_mac(mac, &key)))
            result = 0;
    }
    OPENSSL_cleanse(&key, sizeof key);
    return makes && !result ? -1 : result;
}

void copenssl_set_tickets(SSL_CTX *context, struct copenssl_tickets *tickets) {
    SSL_CTX_set_app_data(context, tickets);
    if (tickets == NULL) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
        return;
    }
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket);
    SSL_CTX_set_timeout(context, (long)(2 * tickets->period));
    // TLS 1.3 would give two. A mail client has one connection at a time to begin again.
    SSL_CTX_set_num_tickets(context, 1);
}
