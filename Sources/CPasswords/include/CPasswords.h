// CPasswords: crypt(3), and what of OpenSSL's libcrypto and of Libidn a stored password needs.
// crypt(3); PKCS5_PBKDF2_HMAC(3ssl), EVP_Digest(3ssl), HMAC(3ssl); stringprep(3).
// SPDX-License-Identifier: MIT
#ifndef CPASSWORDS_H
#define CPASSWORDS_H

#include <stddef.h>

// The bytes of a setting or hash of crypt(3) with its NUL, at most.
#define CPASSWORDS_HASH_SIZE 384

// All give 0, or an errno. What they needed meanwhile is wiped: struct crypt_data has the password.

// crypt_rn: EINVAL for a setting of no known method, ERANGE for a password that is too long.
int cpasswords_crypt(const char *password, const char *setting, char output[CPASSWORDS_HASH_SIZE]);
// crypt_gensalt_rn with the kernel's random bytes. A cost of 0 is the method's own default.
int cpasswords_setting(const char *prefix, unsigned long cost, char output[CPASSWORDS_HASH_SIZE]);

int cpasswords_pbkdf2(
    const void *password, size_t password_size, const void *salt, size_t salt_size,
    int iterations, unsigned char output[32]);
// Digests by OpenSSL's names, such as SHA256; output has 64 bytes, of which *size are used.
int cpasswords_digest(const char *name, const void *data, size_t size, unsigned char *output,
    unsigned *used);
int cpasswords_hmac(
    const char *name, const void *key, size_t key_size, const void *data, size_t size,
    unsigned char *output, unsigned *used);
// Compares in a time that does not depend on what is there.
int cpasswords_equal(const void *one, const void *other, size_t size);

// SASLprep, RFC 4013, for what is stored: EILSEQ for what it prohibits, and for what is no UTF-8.
// The caller frees *output.
int cpasswords_saslprep(const char *text, char **output);

// Reads a line from a terminal that shows nothing of it. Returns its length without the line's end,
// -1 with errno, and -1 with EMSGSIZE for a line that does not fit. A signal that ends the process
// brings the echo back first.
long cpasswords_read_hidden(int descriptor, char *line, size_t size);

#endif
