// CPasswords: crypt(3), and a terminal that does not show what is typed.
// crypt(3), termios(3).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CPasswords.h"

#include <crypt.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
