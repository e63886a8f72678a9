// start-to-exit: times whole runs of two programs in turn, A B A B, and prints the ratio.
// usage: start-to-exit RUNS STDIN-FILE PEER -- PROGRAM [ARGUMENT ...]
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

// Microseconds from spawn to exit. The program reads the file as descriptor 0; what it prints
// is thrown away. ENVELOPE names a file for descriptor 1, as qmail-queue's clients give one.
static double run(char **arguments, const char *input, int *code) {
    const char *envelope = getenv("ENVELOPE");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, envelope ? envelope : "/dev/null",
                                     envelope ? O_RDONLY : O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    double begin = now();
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ) != 0) {
        perror(arguments[0]);
        exit(2);
    }
    waitpid(pid, &status, 0);
    double end = now();
    posix_spawn_file_actions_destroy(&actions);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return end - begin;
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

int main(int count, char **arguments) {
    if (count < 6 || strcmp(arguments[4], "--") != 0) {
        fprintf(stderr, "usage: start-to-exit RUNS STDIN-FILE PEER -- PROGRAM [ARGUMENT ...]\n");
        return 64;
    }
    int runs = atoi(arguments[1]), code = 0, peerCode = 0;
    if (runs < 1 || runs > 100000) return 64;
    double *ours = calloc((size_t)runs, sizeof *ours), *peers = calloc((size_t)runs, sizeof *peers);
    char *peer[] = {arguments[3], NULL};
    if (ours == NULL || peers == NULL) return 71;
    for (int i = 0; i < runs; i++) {
        ours[i] = run(arguments + 5, arguments[2], &code);
        peers[i] = run(peer, arguments[2], &peerCode);
    }
    double mine = median(ours, runs), base = median(peers, runs);
    printf("%-28s %7.0f us (exit %d)   peer %7.0f us (exit %d)   ratio %.2f\n",
           strrchr(arguments[5], '/') ? strrchr(arguments[5], '/') + 1 : arguments[5], mine, code,
           base, peerCode, mine / base);
    return 0;
}
