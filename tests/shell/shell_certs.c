/* OpenSSL has a type ERR_STATE, we have a code of that name: nothing of the project's is included here. */
#include "tests/shell/shell_certs.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define DAY 86400

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    cr_assert_not_null(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/* Signed by `issuer`; NULL: by itself, as an authority. */
static X509 *make_cert(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const char *hosts,
                       long days)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
    extend(cert, issuer != NULL ? issuer : cert, NID_basic_constraints,
           issuer != NULL ? "CA:FALSE" : "critical,CA:TRUE");
    if (hosts != NULL)
        extend(cert, issuer, NID_subject_alt_name, hosts);
    cr_assert_gt(X509_sign(cert, issuer_key, EVP_sha256()), 0);
    return cert;
}

static void write_cert(const char *folder, const char *name, X509 *cert)
{
    char path[320];
    snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    PEM_write_X509(file, cert);
    cr_assert_eq(fclose(file), 0);
    X509_free(cert);
}

void shell_certs(const char *folder)
{
    static const char here[] = "DNS:localhost,DNS:exchange.test,IP:127.0.0.1,IP:::1";
    EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
    X509 *ca = make_cert("known", ca_key, NULL, ca_key, NULL, 9),
         *other = make_cert("unknown", other_key, NULL, other_key, NULL, 9);
    write_cert(folder, "good", make_cert("good", key, ca, ca_key, here, 9));
    write_cert(folder, "wrong", make_cert("wrong", key, ca, ca_key, "DNS:other.test", 9));
    write_cert(folder, "expired", make_cert("expired", key, ca, ca_key, here, -1));
    write_cert(folder, "stranger", make_cert("stranger", key, other, other_key, here, 9));
    write_cert(folder, "ca", ca);
    X509_free(other);
    char path[320];
    snprintf(path, sizeof(path), "%s/server.key", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    cr_assert_eq(fclose(file), 0);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
}
