// CGMime: see CGMime.h.
// SPDX-License-Identifier: MIT

#define _GNU_SOURCE
#include "CGMime.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <malloc.h>
#include <string.h>

// GMime complains to descriptor 2 of what strangers send.
static void keep_quiet(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user) {
    (void)domain, (void)level, (void)text, (void)user;
}

void cgmime_start(void) {
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        g_log_set_default_handler(keep_quiet, NULL);
        g_mime_init();
        g_once_init_leave(&once, 1);
    }
}

size_t cgmime_memory_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

const uint8_t *cgmime_find(const uint8_t *bytes, size_t length, const uint8_t *wanted,
                           size_t wanted_length) {
    return memmem(bytes, length, wanted, wanted_length);
}

// A stream that asks before it reads: GMime's parser reads to the end otherwise, whatever it costs.
// Its parts are plain streams of memory.
typedef struct {
    GMimeStreamMem parent;
    const struct cgmime_callbacks *callbacks;
    void *context;
    int stopped;
} AskingStream;

typedef struct {
    GMimeStreamMemClass parent;
} AskingStreamClass;

G_DEFINE_TYPE(AskingStream, asking_stream, GMIME_TYPE_STREAM_MEM)

static ssize_t asking_read(GMimeStream *stream, char *room, size_t length) {
    AskingStream *self = (AskingStream *)stream;
    if (self->stopped || self->callbacks->proceed(self->context) == 0) {
        self->stopped = 1;
        return 0;
    }
    return GMIME_STREAM_CLASS(asking_stream_parent_class)->read(stream, room, length);
}

static gboolean asking_eos(GMimeStream *stream) {
    return ((AskingStream *)stream)->stopped
           || GMIME_STREAM_CLASS(asking_stream_parent_class)->eos(stream);
}

static void asking_stream_class_init(AskingStreamClass *class) {
    GMIME_STREAM_CLASS(class)->read = asking_read;
    GMIME_STREAM_CLASS(class)->eos = asking_eos;
}

static void asking_stream_init(AskingStream *self) { self->stopped = 0; }

static void note_overflow(gint64 offset, GMimeParserWarning warning, const gchar *item,
                          gpointer overflow) {
    (void)offset, (void)item;
    if (warning == GMIME_CRIT_NESTING_OVERFLOW) *(int *)overflow = 1;
}

static int tell_fields(GMimeObject *object, const struct cgmime_callbacks *callbacks,
                       void *context) {
    GMimeHeaderList *list = g_mime_object_get_header_list(object);
    int count = g_mime_header_list_get_count(list);
    for (int index = 0; index < count; index++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, index);
        const char *name = g_mime_header_get_name(header);
        const char *value = g_mime_header_get_raw_value(header);
        int64_t offset = g_mime_header_get_offset(header);
        if (callbacks->field(context, name ? name : "", value ? value : "", offset)) return 1;
    }
    return 0;
}

static int tell(GMimeObject *object, int depth, const struct cgmime_callbacks *callbacks,
                void *context);

static int tell_children(GMimeObject *object, int depth, const struct cgmime_callbacks *callbacks,
                         void *context) {
    GMimeObject *child = NULL;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);
        int count = g_mime_multipart_get_count(multipart);
        for (int index = 0; index < count; index++) {
            child = g_mime_multipart_get_part(multipart, index);
            if (child && tell(child, depth + 1, callbacks, context)) return 1;
        }
        return 0;
    }
    if (GMIME_IS_MESSAGE_PART(object))
        child = (GMimeObject *)g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    else if (GMIME_IS_MESSAGE(object))
        child = g_mime_message_get_mime_part(GMIME_MESSAGE(object));
    return child && tell(child, depth + (GMIME_IS_MESSAGE(object) ? 0 : 1), callbacks, context);
}

static int tell(GMimeObject *object, int depth, const struct cgmime_callbacks *callbacks,
                void *context) {
    enum cgmime_kind kind = GMIME_IS_MULTIPART(object)      ? CGMIME_MULTIPART
                            : GMIME_IS_MESSAGE_PART(object) ? CGMIME_MESSAGE_PART
                            : GMIME_IS_MESSAGE(object)      ? CGMIME_MESSAGE
                                                            : CGMIME_LEAF;
    int64_t begin = -1, end = -1;
    GMimeDataWrapper *content =
        GMIME_IS_PART(object) ? g_mime_part_get_content(GMIME_PART(object)) : NULL;
    GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
    if (stream) begin = stream->bound_start, end = stream->bound_end;
    if (callbacks->entity(context, kind, depth, begin, end)) return 1;
    if (tell_fields(object, callbacks, context)) return 1;
    return tell_children(object, depth, callbacks, context);
}

enum cgmime_result cgmime_parse(const uint8_t *bytes, size_t length, int is_message,
                                const struct cgmime_callbacks *callbacks, void *context) {
    int overflow = 0;
    AskingStream *stream = g_object_new(asking_stream_get_type(), NULL);
    stream->callbacks = callbacks;
    stream->context = context;
    // An array that is ours only as long as the streams live, and is given back unfreed.
    GByteArray *array = g_byte_array_new_take((guint8 *)bytes, length);
    g_mime_stream_mem_set_byte_array((GMimeStreamMem *)stream, array);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)stream, FALSE);
    g_mime_stream_construct((GMimeStream *)stream, 0, (gint64)length);

    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, note_overflow, &overflow);
    GMimeParser *parser = g_mime_parser_new_with_stream((GMimeStream *)stream);
    GMimeObject *object = is_message
                              ? (GMimeObject *)g_mime_parser_construct_message(parser, options)
                              : g_mime_parser_construct_part(parser, options);
    enum cgmime_result result = CGMIME_NOTHING;
    if (object) result = tell(object, 0, callbacks, context) ? CGMIME_STOPPED : CGMIME_PARSED;
    if (overflow) result = CGMIME_TOO_DEEP;
    if (stream->stopped) result = CGMIME_STOPPED;
    if (object) g_object_unref(object);
    g_object_unref(parser);
    g_object_unref(stream);
    g_byte_array_free(array, FALSE);
    g_mime_parser_options_free(options);
    return result;
}

char *cgmime_decode_words(const char *text) { return g_mime_utils_header_decode_text(NULL, text); }

void cgmime_free(char *text) { g_free(text); }

static void tell_parameters(GMimeParamList *list,
                            void (*parameter)(void *context, const char *name, const char *text),
                            void *context) {
    int count = list ? g_mime_param_list_length(list) : 0;
    for (int index = 0; index < count; index++) {
        GMimeParam *param = g_mime_param_list_get_parameter_at(list, index);
        const char *name = g_mime_param_get_name(param);
        const char *value = g_mime_param_get_value(param);
        if (name && value) parameter(context, name, value);
    }
}

void cgmime_read_value(const char *value, int is_type,
                       void (*main_value)(void *context, const char *text),
                       void (*parameter)(void *context, const char *name, const char *text),
                       void *context) {
    if (!is_type) {
        GMimeContentDisposition *disposition = g_mime_content_disposition_parse(NULL, value);
        if (!disposition) return;
        const char *word = g_mime_content_disposition_get_disposition(disposition);
        if (word) main_value(context, word);
        tell_parameters(g_mime_content_disposition_get_parameters(disposition), parameter, context);
        g_object_unref(disposition);
        return;
    }
    GMimeContentType *type = g_mime_content_type_parse(NULL, value);
    if (!type) return;
    char *text = g_mime_content_type_get_mime_type(type);
    if (text) main_value(context, text);
    g_free(text);
    tell_parameters(g_mime_content_type_get_parameters(type), parameter, context);
    g_object_unref(type);
}

size_t cgmime_decode(enum cgmime_encoding encoding, const uint8_t *bytes, size_t length,
                     uint8_t *room) {
    GMimeContentEncoding known = encoding == CGMIME_BASE64     ? GMIME_CONTENT_ENCODING_BASE64
                                 : encoding == CGMIME_UUENCODE ? GMIME_CONTENT_ENCODING_UUENCODE
                                 : encoding == CGMIME_QUOTED_PRINTABLE
                                     ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
                                     : GMIME_CONTENT_ENCODING_BINARY;
    GMimeEncoding state;
    g_mime_encoding_init_decode(&state, known);
    return g_mime_encoding_flush(&state, (const char *)bytes, length, (char *)room);
}

int64_t cgmime_to_utf8(const char *charset, const uint8_t *bytes, size_t length,
                       void (*piece)(void *context, const uint8_t *bytes, size_t length),
                       void *context) {
    iconv_t converter = g_mime_iconv_open("UTF-8", charset);
    if (converter == (iconv_t)-1) return -1;
    char room[8192];
    char *in = (char *)bytes;
    size_t left = length;
    int64_t lost = 0;
    while (left > 0) {
        char *out = room;
        size_t space = sizeof room;
        size_t result = iconv(converter, &in, &left, &out, &space);
        int error = errno;
        if (out > room) piece(context, (const uint8_t *)room, (size_t)(out - room));
        if (result != (size_t)-1) break;
        if (error == E2BIG) continue;
        // A byte that is none of this charset's, or the beginning of a character at the end.
        if (left == 0) break;
        in++, left--, lost++;
        piece(context, (const uint8_t *)"\xEF\xBF\xBD", 3);
        iconv(converter, NULL, NULL, NULL, NULL);
    }
    g_mime_iconv_close(converter);
    return lost;
}
