// CPasswords: crypt(3), and a terminal that does not show what is typed.
// crypt(3), termios(3).
// SPDX-License-Identifier: MIT
#ifndef CPASSWORDS_H
#define CPASSWORDS_H

#include <stddef.h>

// The bytes of a setting or hash of crypt(3) with its NUL, at most.
#define CPASSWORDS_HASH_SIZE 384

// Both give 0, or an errno. What they needed meanwhile is wiped: struct crypt_data has the password.

// crypt_rn: EINVAL for a setting of no known method, ERANGE for a password that is too long.
int cpasswords_crypt(const char *password, const char *setting, char output[CPASSWORDS_HASH_SIZE]);
// crypt_gensalt_rn with the kernel's random bytes. A cost of 0 is the method's own default.
int cpasswords_setting(const char *prefix, unsigned long cost, char output[CPASSWORDS_HASH_SIZE]);

// Reads a line from a terminal that shows nothing of it. Returns its length without the line's end,
// -1 with errno, and -1 with EMSGSIZE for a line that does not fit. A signal that ends the process
// brings the echo back first.
long cpasswords_read_hidden(int descriptor, char *line, size_t size);

#endif
