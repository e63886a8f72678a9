/* session-load: sends messages by SMTP as fast as a server takes them, and prints how many a second.
   usage: session-load [-s SENDERS] [-m MESSAGES] [-l BYTES] [-n PER-CONNECTION] [-p] [-t none|starttls|tls]
              [-a LOGIN:PASSWORD] [-r RECIPIENT] [-f SENDER] PORT
   Each sender is a thread with one connection at a time, to 127.0.0.1. -n 0 keeps each for all its messages.
   -p sends MAIL, RCPT and DATA at once (RFC 2920). Certificates are not verified; sessions are not resumed.
   SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum tls { NONE, STARTTLS, IMPLICIT };

static int senders = 10, messages = 1000, length = 4096, per_connection = 1, port, pipelined;
static enum tls tls;
static const char *login, *recipient = "alice@example.test", *sender = "sender@pass.test";
static char *message, credentials[512];
static size_t message_length;
static SSL_CTX *context;
static atomic_int taken, tls_version;

struct session {
    int socket;
    SSL *ssl;
    char input[8192];
    size_t start, end;
};

static void give_up(const char *what) {
    fprintf(stderr, "session-load: %s\n", what);
    exit(1);
}

static void put(struct session *s, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t n = s->ssl ? SSL_write(s->ssl, bytes, (int)count) : write(s->socket, bytes, count);
        if (n <= 0) give_up("the server closed while it was written to");
        bytes += n;
        count -= (size_t)n;
    }
}

static void say(struct session *s, const char *line) { put(s, line, strlen(line)); }

/* Reads one reply, of any number of lines, and ends everything when its code is another. */
static void expect(struct session *s, int code) {
    for (;;) {
        char *line = s->input + s->start, *lf = memchr(line, '\n', s->end - s->start);
        if (lf) {
            int last = lf - line > 3 && line[3] != '-';
            if (last && atoi(line) != code) {
                fprintf(stderr, "session-load: wanted %d, got %.*s\n", code, (int)(lf - line), line);
                exit(1);
            }
            s->start = (size_t)(lf + 1 - s->input);
            if (last) return;
            continue;
        }
        memmove(s->input, line, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
        char *room = s->input + s->end;
        size_t left = sizeof s->input - s->end;
        ssize_t n = left == 0 ? 0 : s->ssl ? SSL_read(s->ssl, room, (int)left) : read(s->socket, room, left);
        if (n <= 0) give_up("the server closed while it was read from");
        s->end += (size_t)n;
    }
}

static void shake_hands(struct session *s) {
    s->ssl = SSL_new(context);
    if (!s->ssl || SSL_set_fd(s->ssl, s->socket) != 1 || SSL_connect(s->ssl) != 1) give_up("no TLS handshake");
    tls_version = SSL_version(s->ssl);
}

static void open_session(struct session *s) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    memset(s, 0, sizeof *s);
    s->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(s->socket, (struct sockaddr *)&to, sizeof to) != 0) give_up("cannot connect");
    if (tls == IMPLICIT) shake_hands(s);
    expect(s, 220);
    say(s, "EHLO client.pass.test\r\n");
    expect(s, 250);
    if (tls == STARTTLS) {
        say(s, "STARTTLS\r\n");
        expect(s, 220);
        shake_hands(s);
        say(s, "EHLO client.pass.test\r\n");
        expect(s, 250);
    }
    if (login) {
        say(s, credentials);
        expect(s, 235);
    }
}

static void close_session(struct session *s) {
    say(s, "QUIT\r\n");
    expect(s, 221);
    if (s->ssl) SSL_free(s->ssl);
    close(s->socket);
}

static void send_message(struct session *s) {
    char mail[512], rcpt[512], group[2048];
    snprintf(mail, sizeof mail, "MAIL FROM:<%s>\r\n", sender);
    snprintf(rcpt, sizeof rcpt, "RCPT TO:<%s>\r\n", recipient);
    if (pipelined) {
        snprintf(group, sizeof group, "%s%sDATA\r\n", mail, rcpt);
        say(s, group);
    }
    if (!pipelined) say(s, mail);
    expect(s, 250);
    if (!pipelined) say(s, rcpt);
    expect(s, 250);
    if (!pipelined) say(s, "DATA\r\n");
    expect(s, 354);
    put(s, message, message_length);
    expect(s, 250);
}

static void *run_sender(void *unused) {
    struct session s;
    int on_this = 0;
    while (atomic_fetch_add(&taken, 1) < messages) {
        if (on_this == 0) open_session(&s);
        send_message(&s);
        if (++on_this == per_connection) {
            close_session(&s);
            on_this = 0;
        }
    }
    if (on_this > 0) close_session(&s);
    return unused;
}

/* A short header, and lines of 72 bytes up to the length. */
static void make_message(void) {
    message = malloc((size_t)length + 512);
    if (!message) give_up("no memory");
    int n = sprintf(message, "From: <%s>\r\nTo: <%s>\r\nSubject: load\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
                    "Message-ID: <load@client.pass.test>\r\n\r\n", sender, recipient);
    while (n < length) {
        memset(message + n, 'x', 70);
        memcpy(message + n + 70, "\r\n", 2);
        n += 72;
    }
    memcpy(message + n, ".\r\n", 3);
    message_length = (size_t)n + 3;
}

/* AUTH PLAIN with its initial response. RFC 4616. */
static void make_credentials(void) {
    unsigned char plain[256], text[400];
    const char *colon = strchr(login, ':');
    if (!colon || strlen(login) > 200) give_up("-a takes LOGIN:PASSWORD");
    int n = snprintf((char *)plain + 1, sizeof plain - 1, "%s", login) + 1;
    plain[0] = 0;
    plain[1 + (colon - login)] = 0;
    EVP_EncodeBlock(text, plain, n);
    snprintf(credentials, sizeof credentials, "AUTH PLAIN %s\r\n", text);
}

static void usage(void) {
    fputs("usage: session-load [-s N] [-m N] [-l BYTES] [-n N] [-p] [-t none|starttls|tls] [-a LOGIN:PASSWORD]"
          " [-r RECIPIENT] [-f SENDER] PORT\n", stderr);
    exit(64);
}

int main(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "s:m:l:n:pt:a:r:f:")) != -1) switch (option) {
        case 's': senders = atoi(optarg); break;
        case 'm': messages = atoi(optarg); break;
        case 'l': length = atoi(optarg); break;
        case 'n': per_connection = atoi(optarg); break;
        case 'p': pipelined = 1; break;
        case 'a': login = optarg; break;
        case 'r': recipient = optarg; break;
        case 'f': sender = optarg; break;
        case 't':
            if (!strcmp(optarg, "starttls")) tls = STARTTLS;
            else if (!strcmp(optarg, "tls")) tls = IMPLICIT;
            else if (strcmp(optarg, "none")) usage();
            break;
        default: usage();
        }
    if (optind != argc - 1 || senders < 1 || senders > 1000 || length < 0) usage();
    port = atoi(argv[optind]);
    signal(SIGPIPE, SIG_IGN);
    make_message();
    if (login) make_credentials();
    context = SSL_CTX_new(TLS_client_method());
    if (!context) give_up("no TLS context");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    struct timespec begin, end;
    pthread_t threads[1000];
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < senders; i++)
        if (pthread_create(&threads[i], NULL, run_sender, NULL)) give_up("cannot start a thread");
    for (int i = 0; i < senders; i++) pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%.0f%s\n", messages / seconds,
           tls == NONE ? "" : tls_version == TLS1_3_VERSION ? " TLSv1.3" : " TLSv1.2");
    return 0;
}
