// resolver-port: sends what glibc's resolver asks to ADDRESS:PORT in RESOLVER, since resolv.conf(5)
// knows no other port than 53. To be preloaded into programs of others, for tests.
// SPDX-License-Identifier: MIT

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#undef res_ninit

int __res_ninit(res_state state)
{
    int (*real)(res_state) = (int (*)(res_state))dlsym(RTLD_NEXT, "__res_ninit");
    const char *resolver = getenv("RESOLVER");
    const char *colon = resolver ? strchr(resolver, ':') : NULL;
    char address[64];

    if (!real || real(state) != 0)
        return -1;
    if (!colon || (size_t)(colon - resolver) >= sizeof address)
        return 0;
    memcpy(address, resolver, colon - resolver);
    address[colon - resolver] = 0;
    state->nscount = 1;
    memset(&state->nsaddr_list[0], 0, sizeof state->nsaddr_list[0]);
    state->nsaddr_list[0].sin_family = AF_INET;
    state->nsaddr_list[0].sin_port = htons(atoi(colon + 1));
    return inet_pton(AF_INET, address, &state->nsaddr_list[0].sin_addr) == 1 ? 0 : -1;
}
