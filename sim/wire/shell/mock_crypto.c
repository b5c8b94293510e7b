#include "sim/wire/shell/mock_crypto.h"

/* OpenSSL has a type of that name, and no use for it here. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#undef ERR_STATE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_SECONDS  (24L * 3600)
#define CA_DAYS      3650
#define SERVER_DAYS  397 /* the longest that browsers believe in */
#define RENEWAL_DAYS 7

void mock_crypto_accept(const char *key, char *accept)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[128];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;
    const int size = snprintf(text, sizeof(text), "%.64s%s", key, guid);
    const int hashed = EVP_Digest(text, (size_t)size, hash, &hash_size, EVP_sha1(), NULL);
    ASSERT(hashed == 1 && hash_size == 20);
    EVP_EncodeBlock((unsigned char *)accept, hash, 20);
}

/* ---- certificates ---- */

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    BIGNUM *number = NULL;
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] &= 0x7f;
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    const bool done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return done;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    const bool done = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* A certificate for `key`, signed by the authority; by itself when there is none yet. NULL: OpenSSL failed. */
static X509 *make_cert(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    const bool authority = ca == NULL;
    X509 *cert = X509_new();
    if (cert == NULL)
        return NULL;
    X509_NAME *name = X509_get_subject_name(cert);
    const char *common = authority ? "Tapedeck mock exchange test CA" : "localhost";
    bool done =
        X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_SECONDS) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(cert), (authority ? CA_DAYS : SERVER_DAYS) * DAY_SECONDS) != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0) == 1 &&
        X509_set_issuer_name(cert, authority ? name : X509_get_subject_name(ca)) == 1 &&
        X509_set_pubkey(cert, key) == 1;
    X509 *issuer = authority ? cert : ca;
    done = done && add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    done = done && add_extension(cert, issuer, NID_authority_key_identifier, "keyid");
    if (authority)
        done = done && add_extension(cert, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
               add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    else
        done = done && add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
               add_extension(cert, issuer, NID_ext_key_usage, "serverAuth") &&
               add_extension(cert, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (!done || X509_sign(cert, authority ? key : ca_key, EVP_sha256()) == 0) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* ---- files ---- */

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static void pair_free(struct pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
    *pair = (struct pair){NULL, NULL};
}

/* False: not there, not readable, not a pair, or too old. */
static bool pair_read(struct pair *pair, const char *cert_path, const char *key_path)
{
    FILE *cert = fopen(cert_path, "re"), *key = fopen(key_path, "re");
    if (cert != NULL)
        pair->cert = PEM_read_X509(cert, NULL, NULL, NULL);
    if (key != NULL)
        pair->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    if (cert != NULL)
        fclose(cert);
    if (key != NULL)
        fclose(key);
    int days = 0, seconds = 0;
    if (pair->cert != NULL && pair->key != NULL && X509_check_private_key(pair->cert, pair->key) == 1 &&
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(pair->cert)) == 1 && days >= RENEWAL_DAYS)
        return true;
    pair_free(pair);
    return false;
}

/* Whole or not at all: written beside and moved. */
static err_t write_pem(const char *path, X509 *cert, EVP_PKEY *key, struct err_text *why)
{
    char beside[MOCK_PATH_MAX + 8];
    snprintf(beside, sizeof(beside), "%s.new", path);
    const mode_t old = umask(key != NULL ? 0177 : 0022);
    FILE *file = fopen(beside, "we");
    umask(old);
    bool done = file != NULL;
    done = done && (key != NULL ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_X509(file, cert)) == 1;
    if (file != NULL)
        done = (fclose(file) == 0) && done;
    if (done && rename(beside, path) == 0)
        return ERR_OK;
    const int number = errno;
    unlink(beside);
    return err_say(why, ERR_IO, "%s: could not be written: %s", path, strerror(number));
}

static err_t pair_make(struct pair *pair, const struct pair *ca, const char *cert_path, const char *key_path,
                       struct err_text *why)
{
    pair->key = EVP_EC_gen("P-256");
    if (pair->key != NULL)
        pair->cert = make_cert(pair->key, ca == NULL ? NULL : ca->cert, ca == NULL ? NULL : ca->key);
    if (pair->cert == NULL)
        return err_say(why, ERR_IO, "%s: OpenSSL could not make a certificate", cert_path);
    err_t err = write_pem(key_path, NULL, pair->key, why);
    return err != ERR_OK ? err : write_pem(cert_path, pair->cert, NULL, why);
}

err_t mock_crypto_files(const char *directory, struct mock_files *files, struct err_text *why)
{
    char ca_key[MOCK_PATH_MAX];
    struct pair ca = {NULL, NULL}, server = {NULL, NULL};
    if (strlen(directory) + 16 > MOCK_PATH_MAX)
        return err_say(why, ERR_RANGE, "%s: the path is too long", directory);
    snprintf(files->ca, MOCK_PATH_MAX, "%s/ca.pem", directory);
    snprintf(ca_key, MOCK_PATH_MAX, "%s/ca.key", directory);
    snprintf(files->cert, MOCK_PATH_MAX, "%s/server.pem", directory);
    snprintf(files->key, MOCK_PATH_MAX, "%s/server.key", directory);
    files->made = false;
    err_t err = ERR_OK;
    const bool known = pair_read(&ca, files->ca, ca_key);
    if (!known)
        err = pair_make(&ca, NULL, files->ca, ca_key, why);
    /* A new authority has not signed the old certificate. */
    const bool served = err == ERR_OK && known && pair_read(&server, files->cert, files->key) &&
                        X509_verify(server.cert, ca.key) == 1;
    if (err == ERR_OK && !served) {
        pair_free(&server);
        err = pair_make(&server, &ca, files->cert, files->key, why);
        files->made = true;
    }
    pair_free(&ca);
    pair_free(&server);
    return err;
}
