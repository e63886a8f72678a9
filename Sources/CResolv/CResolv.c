// CResolv: see CResolv.h.
// resolver(3), ns_initparse(3).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CResolv.h"
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t cresolv_query(const uint8_t *name, size_t name_length, uint16_t type, uint16_t id,
                      uint16_t payload, uint8_t *query, size_t capacity) {
    char text[NS_MAXDNAME];
    struct __res_state state;
    if (name_length == 0 || name_length > CRESOLV_MAXIMUM_NAME || capacity > 65535) return -1;
    if (ns_name_ntop(name, text, sizeof text) < 0) return -1;
    memset(&state, 0, sizeof state);
    state.options = RES_INIT | RES_RECURSE;
    int length = res_nmkquery(&state, ns_o_query, text, ns_c_in, type, NULL, 0, NULL, query,
                              (int)capacity);
    if (length < NS_HFIXEDSZ) return -1;
    query[0] = (uint8_t)(id >> 8);
    query[1] = (uint8_t)id;
    if (payload == 0) return length;
    const uint8_t option[11] = {0, 0, ns_t_opt, (uint8_t)(payload >> 8), (uint8_t)payload};
    if (capacity - (size_t)length < sizeof option) return -1;
    memcpy(query + length, option, sizeof option);
    query[11] = 1;
    return length + (ssize_t)sizeof option;
}

static int open_message(const uint8_t *message, size_t length, ns_msg *parsed) {
    if (length < NS_HFIXEDSZ || length > 65535) return -1;
    return ns_initparse(message, (int)length, parsed);
}

// Unpacks a possibly compressed name. Returns the bytes it takes in the message, or -1.
static int unpack(const ns_msg *parsed, const uint8_t *start, struct cresolv_name *name) {
    memset(name, 0, sizeof *name);
    int taken = ns_name_unpack(ns_msg_base(*parsed), ns_msg_end(*parsed), start, name->bytes,
                               CRESOLV_MAXIMUM_NAME);
    if (taken < 0) return -1;
    size_t at = 0;
    while (at < CRESOLV_MAXIMUM_NAME && name->bytes[at] != 0) at += name->bytes[at] + 1u;
    if (at >= CRESOLV_MAXIMUM_NAME) return -1;
    name->length = at + 1;
    return taken;
}

int cresolv_header(const uint8_t *message, size_t length, struct cresolv_header *header) {
    ns_msg parsed;
    memset(header, 0, sizeof *header);
    if (open_message(message, length, &parsed) != 0) return -1;
    header->id = ns_msg_id(parsed);
    header->code = (uint8_t)ns_msg_getflag(parsed, ns_f_rcode);
    header->is_response = ns_msg_getflag(parsed, ns_f_qr);
    header->is_truncated = ns_msg_getflag(parsed, ns_f_tc);
    header->is_query_opcode = ns_msg_getflag(parsed, ns_f_opcode) == ns_o_query;
    header->is_authentic = ns_msg_getflag(parsed, ns_f_ad);
    header->questions = ns_msg_count(parsed, ns_s_qd);
    header->answers = ns_msg_count(parsed, ns_s_an);
    if (header->questions != 1) return 0;
    const uint8_t *question = message + NS_HFIXEDSZ;
    int taken = unpack(&parsed, question, &header->question_name);
    if (taken < 0 || ns_msg_end(parsed) - question - taken < NS_QFIXEDSZ) return -1;
    header->question_type = ns_get16(question + taken);
    header->question_class = ns_get16(question + taken + 2);
    return 0;
}

// The name in the data of a record, which must fill the data to its end.
static int read_target(const ns_msg *parsed, const ns_rr *record, struct cresolv_record *result) {
    size_t before = 0;
    switch (ns_rr_type(*record)) {
    case ns_t_mx:
        if (ns_rr_rdlen(*record) < 3) return -1;
        result->preference = ns_get16(ns_rr_rdata(*record));
        before = 2;
        break;
    case ns_t_cname:
    case ns_t_ptr:
    case ns_t_ns:
        break;
    default:
        return 0;
    }
    int taken = unpack(parsed, ns_rr_rdata(*record) + before, &result->target);
    return taken >= 0 && before + (size_t)taken == ns_rr_rdlen(*record) ? 0 : -1;
}

ssize_t cresolv_answers(const uint8_t *message, size_t length, struct cresolv_record *records,
                        size_t capacity) {
    ns_msg parsed;
    if (open_message(message, length, &parsed) != 0) return -1;
    size_t count = ns_msg_count(parsed, ns_s_an);
    if (count > capacity) count = capacity;
    // ns_parserr gives the owner as text; the name itself is read from where the record starts.
    const uint8_t *owner = NULL;
    for (size_t i = 0; i < count; i++) {
        ns_rr record;
        if (i == 0) {
            owner = message + NS_HFIXEDSZ;
            int skipped = ns_skiprr(owner, ns_msg_end(parsed), ns_s_qd,
                                    ns_msg_count(parsed, ns_s_qd));
            if (skipped < 0) return -1;
            owner += skipped;
        }
        if (ns_parserr(&parsed, ns_s_an, (int)i, &record) != 0) return -1;
        memset(&records[i], 0, sizeof records[i]);
        if (unpack(&parsed, owner, &records[i].owner) < 0) return -1;
        records[i].type = ns_rr_type(record);
        records[i].record_class = ns_rr_class(record);
        records[i].ttl = ns_rr_ttl(record);
        records[i].data_offset = (size_t)(ns_rr_rdata(record) - message);
        records[i].data_length = ns_rr_rdlen(record);
        if (read_target(&parsed, &record, &records[i]) != 0) return -1;
        owner = ns_rr_rdata(record) + ns_rr_rdlen(record);
    }
    return (ssize_t)count;
}

int64_t cresolv_negative_ttl(const uint8_t *message, size_t length) {
    ns_msg parsed;
    if (open_message(message, length, &parsed) != 0) return -1;
    for (int i = 0; i < ns_msg_count(parsed, ns_s_ns); i++) {
        ns_rr record;
        if (ns_parserr(&parsed, ns_s_ns, i, &record) != 0) return -1;
        if (ns_rr_type(record) != ns_t_soa || ns_rr_class(record) != ns_c_in) continue;
        // The last of the five numbers that end the data is MINIMUM.
        if (ns_rr_rdlen(record) < 22) return -1;
        uint32_t minimum = (uint32_t)ns_get32(ns_rr_rdata(record) + ns_rr_rdlen(record) - 4);
        return minimum < ns_rr_ttl(record) ? minimum : ns_rr_ttl(record);
    }
    return -1;
}

int cresolv_connect(int type, const uint8_t *address, size_t length, uint16_t port) {
    union {
        struct sockaddr any;
        struct sockaddr_in version4;
        struct sockaddr_in6 version6;
    } peer;
    memset(&peer, 0, sizeof peer);
    socklen_t size = length == 4 ? sizeof peer.version4 : sizeof peer.version6;
    if (length == 4) {
        peer.version4.sin_family = AF_INET;
        peer.version4.sin_port = htons(port);
        memcpy(&peer.version4.sin_addr, address, 4);
    } else if (length == 16) {
        peer.version6.sin6_family = AF_INET6;
        peer.version6.sin6_port = htons(port);
        memcpy(&peer.version6.sin6_addr, address, 16);
    } else {
        errno = EAFNOSUPPORT;
        return -1;
    }
    int descriptor = socket(peer.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, &peer.any, size) == 0 || errno == EINPROGRESS) return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

int cresolv_connect_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}
