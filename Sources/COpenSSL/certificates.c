// Names of certificates, and a certificate to begin with.
// X509_get_ext_d2i(3), X509_sign(3).
// SPDX-License-Identifier: MIT
#include "COpenSSL.h"
#include <string.h>

struct taker {
    void *owner;
    void (*take)(void *, int, const unsigned char *, int);
};

static void take_string(struct taker taker, int type, const ASN1_STRING *string) {
    const unsigned char *text = ASN1_STRING_get0_data(string);
    int length = ASN1_STRING_length(string);
    // A name that goes on behind a NUL is made to look like another.
    if (text != NULL && length > 0 && memchr(text, 0, (size_t)length) == NULL)
        taker.take(taker.owner, type, text, length);
}

static void take_common_name(struct taker taker, X509 *certificate) {
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0)
        return;
    const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, name);
    if (length > 0 && memchr(text, 0, (size_t)length) == NULL)
        taker.take(taker.owner, GEN_DIRNAME, text, length);
    OPENSSL_free(text);
}

void copenssl_names(
    X509 *certificate, void *owner, void (*take)(void *, int, const unsigned char *, int)) {
    struct taker taker = {owner, take};
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_EMAIL || name->type == GEN_DNS)
            take_string(taker, name->type, name->d.ia5);
    }
    GENERAL_NAMES_free(names);
    take_common_name(taker, certificate);
}

static int add_extension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int result = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return result;
}

// Not by X509V3_EXT_conf_nid, where a comma in the name would begin another one.
static int add_name(X509 *certificate, const char *text) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    int result = names != NULL && name != NULL && string != NULL
        && ASN1_STRING_set(string, text, -1) && sk_GENERAL_NAME_push(names, name) > 0;
    if (result) {
        GENERAL_NAME_set0_value(name, GEN_DNS, string);
        result = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
    } else {
        ASN1_IA5STRING_free(string);
        GENERAL_NAME_free(name);
        if (names != NULL)
            sk_GENERAL_NAME_zero(names);
    }
    GENERAL_NAMES_free(names);
    return result;
}

static int set_serial(X509 *certificate) {
    BIGNUM *number = BN_new();
    // RFC 5280, section 4.1.2.2: positive, and at most 20 octets.
    int result = number != NULL && BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY)
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return result;
}

static int set_subject(X509 *certificate, const char *name) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    // RFC 5280, appendix A: a common name has at most 64 characters. All clients look at the
    // subjectAltName first.
    const char *common = strlen(name) <= 64 ? name : "mail server";
    return X509_NAME_add_entry_by_NID(
               subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0)
        && X509_set_issuer_name(certificate, subject);
}

int copenssl_self_signed(const char *name, int days, EVP_PKEY **key, X509 **certificate) {
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *made = X509_new();
    // It began yesterday, for clients whose clock is slow.
    int result = pair != NULL && made != NULL && X509_set_version(made, X509_VERSION_3)
        && set_serial(made) && X509_time_adj_ex(X509_getm_notBefore(made), -1, 0, NULL) != NULL
        && X509_time_adj_ex(X509_getm_notAfter(made), days, 0, NULL) != NULL
        && set_subject(made, name) && X509_set_pubkey(made, pair)
        && add_extension(made, NID_basic_constraints, "critical,CA:FALSE")
        && add_extension(made, NID_key_usage, "critical,digitalSignature")
        && add_extension(made, NID_ext_key_usage, "serverAuth,clientAuth")
        && add_extension(made, NID_subject_key_identifier, "hash") && add_name(made, name)
        && X509_sign(made, pair, EVP_sha256()) > 0;
    if (!result) {
        EVP_PKEY_free(pair);
        X509_free(made);
        return 0;
    }
    *key = pair;
    *certificate = made;
    return 1;
}
