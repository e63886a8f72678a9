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
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>
#include <termios.h>

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

int cpasswords_echo_off(int descriptor) {
    struct termios state;
    if (tcgetattr(descriptor, &state) != 0 || !(state.c_lflag & ECHO)) return 0;
    state.c_lflag = (state.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
    return tcsetattr(descriptor, TCSAFLUSH, &state) == 0;
}

void cpasswords_echo_on(int descriptor) {
    struct termios state;
    if (tcgetattr(descriptor, &state) != 0) return;
    state.c_lflag = (state.c_lflag | ECHO) & ~(tcflag_t)ECHONL;
    tcsetattr(descriptor, TCSAFLUSH, &state);
}
