/* shell_certs.h: certificates for tls_server.py: ca.pem to be trusted, and good, wrong, expired and stranger.pem with
 * one key, server.key. */
#ifndef TAPEDECK_TESTS_SHELL_SHELL_CERTS_H
#define TAPEDECK_TESTS_SHELL_SHELL_CERTS_H

void shell_certs(const char *folder);

#endif
