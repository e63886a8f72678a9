// CGMime: what Swift needs of GMime, without the types of GLib.
// RFC 2045, 2046, 2047, 2231.
// SPDX-License-Identifier: MIT
#ifndef CGMIME_H
#define CGMIME_H

#include <stddef.h>
#include <stdint.h>

// Makes the library ready, once in a process; later calls do nothing. It survives a fork.
void cgmime_start(void);

// What an entity is to GMime.
enum cgmime_kind {
    CGMIME_LEAF = 0,
    CGMIME_MULTIPART = 1,
    // What holds a message, and that message, whose own Content fields are its part's.
    CGMIME_MESSAGE_PART = 2,
    CGMIME_MESSAGE = 3,
};

// Results of cgmime_parse.
enum cgmime_result {
    CGMIME_PARSED = 0,
    CGMIME_NOTHING = 1,
    // GMime stopped at its own limit of nesting: what is deeper was not read.
    CGMIME_TOO_DEEP = 2,
    // `proceed` or another callback said so.
    CGMIME_STOPPED = 3,
};

// What is told while a message is read. Each but `proceed` returns 0, or not 0 to stop.
struct cgmime_callbacks {
    // An entity begins; what is in it follows. The content of a leaf is at these offsets.
    int (*entity)(void *context, enum cgmime_kind kind, int depth, int64_t begin, int64_t end);
    // A field of this entity, as it was sent; the offset is that of its line.
    int (*field)(void *context, const char *name, const char *value, int64_t offset);
    // Text before the first and after the last part of a multipart is not told: it has no offset.
    // Asked before each 4 KiB are read: 0 stops.
    int (*proceed)(void *context);
};

// Reads a message, or one entity of a message, and then tells what is in it. The bytes are not
// copied.
enum cgmime_result cgmime_parse(const uint8_t *bytes, size_t length, int is_message,
                                const struct cgmime_callbacks *callbacks, void *context);

// How many bytes the process has from malloc.
size_t cgmime_memory_in_use(void);

// memmem, which Swift does not see: the first place of some bytes in others, or NULL.
const uint8_t *cgmime_find(const uint8_t *bytes, size_t length, const uint8_t *wanted,
                           size_t wanted_length);

// Texts that these return are freed by cgmime_free.

// Decodes the encoded words of a text to UTF-8, strict readings of RFC 2047 apart; NULL when there
// is no memory.
char *cgmime_decode_words(const char *text);

// Reads the value of a Content-Type (is_type) or Content-Disposition field. `main_value` is told
// `type/subtype` or the disposition, `parameter` each parameter, decoded.
void cgmime_read_value(const char *value, int is_type,
                       void (*main_value)(void *context, const char *text),
                       void (*parameter)(void *context, const char *name, const char *text),
                       void *context);

void cgmime_free(char *text);

// The transfer encodings.
enum cgmime_encoding {
    CGMIME_IDENTITY = 0,
    CGMIME_BASE64 = 1,
    CGMIME_QUOTED_PRINTABLE = 2,
    CGMIME_UUENCODE = 3,
};

// Decodes bytes; the room must be at least as long as they are, and 8 more. Returns how many came
// out.
size_t cgmime_decode(enum cgmime_encoding encoding, const uint8_t *bytes, size_t length,
                     uint8_t *room);

// Turns bytes of a charset into UTF-8 and gives them out in pieces. What cannot be read becomes
// U+FFFD. Returns how many bytes those were; -1 when the charset is not known.
int64_t cgmime_to_utf8(const char *charset, const uint8_t *bytes, size_t length,
                       void (*piece)(void *context, const uint8_t *bytes, size_t length),
                       void *context);

#endif
