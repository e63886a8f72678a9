// lmdb-commits: transactions a second of plain LMDB with the options of throttle.
// usage: lmdb-commits FILE COUNT KEYS     (each reads and writes so many keys)
// SPDX-License-Identifier: MIT
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(int code) {
    if (code != 0) {
        fprintf(stderr, "lmdb-commits: %s\n", mdb_strerror(code));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 64;
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi database;
    check(mdb_env_create(&environment));
    check(mdb_env_set_mapsize(environment, 16 << 20));
    check(mdb_env_open(environment, argv[1], MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, 0600));
    check(mdb_txn_begin(environment, NULL, 0, &transaction));
    check(mdb_dbi_open(transaction, NULL, 0, &database));
    for (unsigned key = 0; key < 100000; key++) {
        MDB_val k = {sizeof key, &key}, v = {24, "some twenty-four bytes.."};
        check(mdb_put(transaction, database, &k, &v, 0));
    }
    check(mdb_txn_commit(transaction));
    long count = atol(argv[2]);
    unsigned keys = (unsigned)atoi(argv[3]);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < count; i++) {
        check(mdb_txn_begin(environment, NULL, 0, &transaction));
        for (unsigned key = 0; key < keys; key++) {
            MDB_val k = {sizeof key, &key}, v;
            check(mdb_get(transaction, database, &k, &v));
            MDB_val w = {24, &(char[24]){(char)i}};
            check(mdb_put(transaction, database, &k, &w, 0));
        }
        check(mdb_txn_commit(transaction));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double time = end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%.0f\n", count / time);
    mdb_env_close(environment);
    return 0;
}
