/* mock_crypto.h: the cryptography of the mock server: a certificate authority for tests, and the handshake's hash.
 *
 * On first use a directory gets four files: ca.pem and ca.key, server.pem and server.key (EC P-256; keys are readable
 * by their owner alone). The server's certificate names localhost, 127.0.0.1 and ::1 and is made anew when less than
 * a week of its validity is left; the authority lives ten years, so that whoever trusts ca.pem goes on trusting it.
 * It signs for nobody else, and nobody but a test should trust it. */
#ifndef TAPEDECK_SIM_WIRE_SHELL_MOCK_CRYPTO_H
#define TAPEDECK_SIM_WIRE_SHELL_MOCK_CRYPTO_H

#include "core/err.h"

#define MOCK_PATH_MAX 1024

struct mock_files {
    char ca[MOCK_PATH_MAX], cert[MOCK_PATH_MAX], key[MOCK_PATH_MAX];
    bool made; /* now, and not before */
};

/* `directory` is there. Errors name the file. */
err_t mock_crypto_files(const char *directory, struct mock_files *files, struct err_text *why) MUST_USE;

/* base64(SHA-1(key + GUID)) of RFC 6455; into a buffer of 32, with NUL. */
void mock_crypto_accept(const char *key, char *accept);

#endif
