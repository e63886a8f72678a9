// CSPF2: see CSPF2.h.
// spf2/spf_dns.h, spf2/spf_record.h.
// SPDX-License-Identifier: MIT
#include "CSPF2.h"
#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_dns_rr.h>
#include <spf2/spf_record.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Our layer of libspf2's DNS: the public structure first, so that one points to the other.
struct layer {
    SPF_dns_server_t dns;
    const struct cspf2_callbacks *callbacks;
    void *context;
};

struct cspf2_terms {
    SPF_server_t *server;
    SPF_response_t *response;
    SPF_record_t *record;
};

struct cspf2_records {
    SPF_dns_rr_t *answer;
};

// Longer terms are not ours: "-mx:" and a token with a prefix length.
enum { longest_term = 120 };

int cspf2_add_term(struct cspf2_terms *terms, const char *term) {
    char text[longest_term + 16];
    SPF_record_t *all = terms->record, *one = NULL;
    if (strlen(term) > longest_term || all->num_mech >= CSPF2_MAXIMUM_TERMS) return -1;
    snprintf(text, sizeof text, "v=spf1 %s", term);
    SPF_errcode_t error = SPF_record_compile(terms->server, terms->response, &one, text);
    if (error != SPF_E_SUCCESS || one == NULL || one->num_mech != 1 || one->num_mod != 0) {
        if (one != NULL) SPF_record_free(one);
        return -1;
    }
    // Term by term, since libspf2 leaves out, without a word, what exceeds 511 bytes of a record.
    char *grown = realloc(all->mech_first, all->mech_len + one->mech_len);
    if (grown != NULL) {
        memcpy(grown + all->mech_len, one->mech_first, one->mech_len);
        all->mech_first = (SPF_mech_t *)grown;
        all->mech_len += one->mech_len;
        all->mech_size = all->mech_len;
        all->num_mech++;
    }
    SPF_record_free(one);
    return grown == NULL ? -1 : 0;
}

static SPF_dns_rr_data_t *room(struct cspf2_records *records, size_t size) {
    SPF_dns_rr_t *answer = records->answer;
    if (SPF_dns_rr_buf_realloc(answer, answer->num_rr, size) != SPF_E_SUCCESS) return NULL;
    answer->herrno = NETDB_SUCCESS;
    return answer->rr[answer->num_rr++];
}

int cspf2_add_address(struct cspf2_records *records, const uint8_t *address, size_t length) {
    size_t expected = records->answer->rr_type == ns_t_a ? 4
        : records->answer->rr_type == ns_t_aaaa ? 16 : 0;
    if (length == 0 || length != expected) return -1;
    SPF_dns_rr_data_t *data = room(records, sizeof *data);
    if (data == NULL) return -1;
    memcpy(data, address, length);
    return 0;
}

int cspf2_add_exchange(struct cspf2_records *records, const char *token) {
    if (records->answer->rr_type != ns_t_mx) return -1;
    SPF_dns_rr_data_t *data = room(records, strlen(token) + 1);
    if (data == NULL) return -1;
    strcpy(data->mx, token);
    return 0;
}

static SPF_dns_rr_t *look_up(SPF_dns_server_t *dns, const char *token, ns_type type,
                             int should_cache) {
    (void)should_cache;
    struct layer *layer = (struct layer *)dns;
    struct cspf2_records records = {SPF_dns_rr_new_init(dns, token, type, 0, NO_DATA)};
    if (records.answer == NULL) return NULL;
    if (layer->callbacks->lookup(layer->context, token, &records) != 0)
        records.answer->herrno = TRY_AGAIN;
    return records.answer;
}

static SPF_errcode_t get_policy(SPF_server_t *server, SPF_request_t *request,
                                SPF_response_t *response, SPF_record_t **record) {
    struct layer *layer = (struct layer *)server->resolver;
    *record = SPF_record_new(server, NULL);
    if (*record == NULL) return SPF_E_DNS_ERROR;
    (*record)->version = 1;
    struct cspf2_terms terms = {server, response, *record};
    if (layer->callbacks->policy(layer->context, request->cur_dom, &terms) == 0)
        return SPF_E_SUCCESS;
    SPF_record_free(*record);
    *record = NULL;
    return SPF_E_DNS_ERROR;
}

static enum cspf2_result result_of(SPF_response_t *response, int *matched) {
    *matched = SPF_response_reason(response) == SPF_REASON_MECH;
    switch (SPF_response_result(response)) {
    case SPF_RESULT_NEUTRAL: return CSPF2_NEUTRAL;
    case SPF_RESULT_PASS: return CSPF2_PASS;
    case SPF_RESULT_FAIL: return CSPF2_FAIL;
    case SPF_RESULT_SOFTFAIL: return CSPF2_SOFTFAIL;
    default: return CSPF2_STOPPED;
    }
}

// What SPF_server_new_dns does but for two things: that compiles a default explanation and policy
// each time, and aborts on a host whose name has 64 characters.
static SPF_server_t *new_server(SPF_dns_server_t *dns) {
    SPF_server_t *server = calloc(1, sizeof *server);
    if (server == NULL) return NULL;
    server->resolver = dns;
    // We count the look-ups ourselves: the library forgets those made inside of an include.
    server->max_dns_mech = 1 << 20;
    server->max_dns_mx = SPF_MAX_DNS_MX;
    server->max_dns_ptr = SPF_MAX_DNS_PTR;
    if (SPF_server_set_rec_dom(server, "token") == SPF_E_SUCCESS) return server;
    SPF_server_free(server);
    return NULL;
}

static SPF_request_t *new_request(SPF_server_t *server, const uint8_t *address, size_t length) {
    SPF_request_t *request = SPF_request_new(server);
    if (request == NULL) return NULL;
    struct in_addr version4;
    struct in6_addr version6;
    if (length == sizeof version4) {
        memcpy(&version4, address, length);
        SPF_request_set_ipv4(request, version4);
    } else {
        memcpy(&version6, address, sizeof version6);
        SPF_request_set_ipv6(request, version6);
    }
    // Nothing that the library makes of these is used; they keep its comments from being NULL.
    if (SPF_request_set_helo_dom(request, "token") == SPF_E_SUCCESS
        && SPF_request_set_env_from(request, "token@token") == SPF_E_SUCCESS)
        return request;
    SPF_request_free(request);
    return NULL;
}

enum cspf2_result cspf2_evaluate(const struct cspf2_callbacks *callbacks, void *context,
                                 const char *token, const uint8_t *address, size_t length,
                                 int *matched) {
    struct layer layer = {
        .dns = {.lookup = look_up, .get_spf = get_policy, .name = "chainmail"},
        .callbacks = callbacks,
        .context = context,
    };
    enum cspf2_result result = CSPF2_STOPPED;
    *matched = 0;
    if (length != 4 && length != 16) return result;
    SPF_server_t *server = new_server(&layer.dns);
    if (server == NULL) return result;
    SPF_request_t *request = new_request(server, address, length);
    SPF_response_t *response = request == NULL ? NULL : SPF_response_new(request);
    SPF_record_t *record = NULL;
    if (response != NULL) {
        // Not SPF_request_query_mailfrom, which lets every loopback client pass.
        request->cur_dom = token;
        if (get_policy(server, request, response, &record) == SPF_E_SUCCESS) {
            response->spf_record_exp = record;
            SPF_record_interpret(record, request, response, 0);
            result = result_of(response, matched);
        }
    }
    if (record != NULL) SPF_record_free(record);
    if (response != NULL) SPF_response_free(response);
    if (request != NULL) SPF_request_free(request);
    SPF_server_free(server);
    return result;
}
