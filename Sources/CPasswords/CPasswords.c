// CPasswords: crypt(3), and what of OpenSSL's libcrypto and of Libidn a stored password needs.
// crypt(3); PKCS5_PBKDF2_HMAC(3ssl), EVP_Digest(3ssl), HMAC(3ssl); stringprep(3).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CPasswords.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>
#include <termios.h>
#include <unistd.h>

int cpasswords_crypt(const char *password, const char *setting, char output[CPASSWORDS_HASH_SIZE]) {
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return ENOMEM;
    errno = 0;
    const char *hash = crypt_rn(password, setting, data, sizeof *data);
    int failure = hash ? 0 : errno ? errno : EINVAL;
    if (hash && strlen(hash) >= CPASSWORDS_HASH_SIZE) failure = ERANGE;
    if (!failure) strcpy(output, hash);
    explicit_bzero(data, sizeof *data);
    free(data);
    return failure;
}

int cpasswords_setting(const char *prefix, unsigned long cost, char output[CPASSWORDS_HASH_SIZE]) {
    errno = 0;
    if (crypt_gensalt_rn(prefix, cost, NULL, 0, output, CPASSWORDS_HASH_SIZE)) return 0;
    return errno ? errno : EINVAL;
}

int cpasswords_pbkdf2(
    const void *password, size_t password_size, const void *salt, size_t salt_size,
    int iterations, unsigned char output[32]) {
    if (password_size > 1 << 20 || salt_size > 1 << 20) return ERANGE;
    return PKCS5_PBKDF2_HMAC(
               password, (int)password_size, salt, (int)salt_size, iterations, EVP_sha256(), 32,
               output) == 1 ? 0 : EINVAL;
}

int cpasswords_digest(const char *name, const void *data, size_t size, unsigned char *output,
    unsigned *used) {
    const EVP_MD *digest = EVP_get_digestbyname(name);
    return digest && EVP_Digest(data, size, output, used, digest, NULL) == 1 ? 0 : EINVAL;
}

int cpasswords_hmac(
    const char *name, const void *key, size_t key_size, const void *data, size_t size,
    unsigned char *output, unsigned *used) {
    const EVP_MD *digest = EVP_get_digestbyname(name);
    if (key_size > 1 << 20) return ERANGE;
    return digest && HMAC(digest, key, (int)key_size, data, size, output, used) ? 0 : EINVAL;
}

int cpasswords_equal(const void *one, const void *other, size_t size) {
    return CRYPTO_memcmp(one, other, size) == 0;
}

int cpasswords_saslprep(const char *text, char **output) {
    switch (stringprep_profile(text, output, "SASLprep", STRINGPREP_NO_UNASSIGNED)) {
    case STRINGPREP_OK: return 0;
    case STRINGPREP_MALLOC_ERROR: return ENOMEM;
    default: return EILSEQ;
    }
}

// What a handler of a signal needs; there is one terminal.
static struct termios shown;
static volatile sig_atomic_t terminal = -1;

static void show_and_die(int number) {
    if (terminal >= 0) tcsetattr(terminal, TCSANOW, &shown);
    signal(number, SIG_DFL);
    raise(number);
}

static long read_line(int descriptor, char *line, size_t size) {
    size_t length = 0;
    for (;;) {
        char byte;
        ssize_t got = read(descriptor, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0 || byte == '\n') return (long)length;
        if (length == size) { errno = EMSGSIZE; return -1; }
        line[length++] = byte;
    }
}

long cpasswords_read_hidden(int descriptor, char *line, size_t size) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    if (tcgetattr(descriptor, &shown) != 0) return -1;
    struct termios hidden = shown;
    hidden.c_lflag = (hidden.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
    terminal = descriptor;
    for (int i = 0; i < 4; i++) signal(signals[i], show_and_die);
    long length = -1;
    if (tcsetattr(descriptor, TCSAFLUSH, &hidden) == 0) length = read_line(descriptor, line, size);
    int failure = errno;
    tcsetattr(descriptor, TCSAFLUSH, &shown);
    terminal = -1;
    for (int i = 0; i < 4; i++) signal(signals[i], SIG_DFL);
    errno = failure;
    return length;
}
