// CCurl: see CCurl.h.
// libcurl-easy(3), libcurl-errors(3).
// SPDX-License-Identifier: MIT
#include "CCurl.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

struct body {
    struct ccurl_answer *answer;
    size_t limit;
    int is_too_long;
};

static size_t take(char *bytes, size_t size, size_t count, void *owner) {
    struct body *body = owner;
    size_t length = size * count;
    if (length > body->limit - body->answer->length) {
        body->is_too_long = 1;
        return 0;
    }
    memcpy(body->answer->body + body->answer->length, bytes, length);
    body->answer->length += length;
    return length;
}

static int prepare(
    CURL *curl, const struct ccurl_request *request, struct body *body, struct curl_slist *places) {
    return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_RESOLVE, places) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_CAINFO, request->authorities) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->time_limit) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_USERAGENT, "chainmail") == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK
        && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, body->answer->error) == CURLE_OK;
}

static enum ccurl_outcome outcome_of(CURLcode code, const struct body *body) {
    if (body->is_too_long)
        return CCURL_TOO_LONG;
    switch (code) {
    case CURLE_OK:
        return CCURL_ANSWERED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return CCURL_NOT_TRUSTED;
    default:
        return CCURL_FAILED;
    }
}

static void read_head(CURL *curl, struct ccurl_answer *answer) {
    const char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        strncpy(answer->content_type, type, sizeof answer->content_type - 1);
}

enum ccurl_outcome ccurl_get(const struct ccurl_request *request, struct ccurl_answer *answer) {
    memset(answer, 0, sizeof *answer);
    answer->body = malloc(request->size_limit + 1);
    CURL *curl = NULL;
    struct curl_slist *places = NULL;
    if (answer->body != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        curl = curl_easy_init();
        places = curl_slist_append(NULL, request->place);
    }
    struct body body = {answer, request->size_limit, 0};
    enum ccurl_outcome outcome = CCURL_FAILED;
    if (curl != NULL && places != NULL && prepare(curl, request, &body, places)) {
        CURLcode code = curl_easy_perform(curl);
        outcome = outcome_of(code, &body);
        if (answer->error[0] == 0)
            strncpy(answer->error, curl_easy_strerror(code), sizeof answer->error - 1);
        read_head(curl, answer);
    } else {
        strncpy(answer->error, "libcurl cannot be used", sizeof answer->error - 1);
    }
    curl_slist_free_all(places);
    curl_easy_cleanup(curl);
    return outcome;
}

void ccurl_free(struct ccurl_answer *answer) {
    free(answer->body);
    answer->body = NULL;
}
