// CResolv: glibc's resolver library as plain functions - build a query, read an answer, connect.
// resolver(3). No function here keeps state, reads /etc/resolv.conf or sends anything.
// SPDX-License-Identifier: MIT
#ifndef CRESOLV_H
#define CRESOLV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The longest name in wire form, its final zero included. RFC 1035, section 3.1.
#define CRESOLV_MAXIMUM_NAME 255

// A name in wire form: labels with their lengths, the final zero included.
struct cresolv_name {
    uint8_t bytes[CRESOLV_MAXIMUM_NAME + 1];
    size_t length;
};

// What the header of a message says, and its question where it has exactly one.
struct cresolv_header {
    uint16_t id;
    uint8_t code;
    int is_response;
    int is_truncated;
    int is_query_opcode;
    // The AD bit: RFC 4035, section 3.2.3.
    int is_authentic;
    uint16_t questions;
    uint16_t answers;
    struct cresolv_name question_name;
    uint16_t question_type;
    uint16_t question_class;
};

// One record of the answer section. The target is the name in the data of CNAME, PTR, NS and MX.
struct cresolv_record {
    struct cresolv_name owner;
    uint16_t type;
    uint16_t record_class;
    uint32_t ttl;
    size_t data_offset;
    size_t data_length;
    uint16_t preference;
    struct cresolv_name target;
};

// res_nmkquery(3) of a name in wire form, class IN, recursion desired, with this id and, when
// payload is not 0, an OPT record (RFC 6891) that offers so many bytes. Returns the length, or -1.
ssize_t cresolv_query(const uint8_t *name, size_t name_length, uint16_t type, uint16_t id,
                      uint16_t payload, uint8_t *query, size_t capacity);

// ns_initparse(3) and the header. Returns 0, or -1 when the message is malformed.
int cresolv_header(const uint8_t *message, size_t length, struct cresolv_header *header);

// ns_parserr(3) of at most `capacity` records of the answer section. Returns how many, or -1 when
// the message is malformed.
ssize_t cresolv_answers(const uint8_t *message, size_t length, struct cresolv_record *records,
                        size_t capacity);

// How many seconds a "no" may be kept: the less of the TTL and the MINIMUM of the SOA record in the
// authority section (RFC 2308, section 5). Returns -1 when there is none or it is malformed.
int64_t cresolv_negative_ttl(const uint8_t *message, size_t length);

// A close-on-exec, non-blocking socket of this type (SOCK_DGRAM or SOCK_STREAM), connected to an
// address of 4 or 16 bytes: a datagram socket then takes nothing from anybody else. The kernel
// picks a random source port. Returns it, or -1 with errno; a stream may still be connecting.
int cresolv_connect(int type, const uint8_t *address, size_t length, uint16_t port);

// What became of a connect(2) that was under way: 0, or the error. getsockopt(2) SO_ERROR.
int cresolv_connect_error(int socket);

#endif
