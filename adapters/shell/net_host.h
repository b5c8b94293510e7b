/* net_host.h: which hosts are this machine: those that are called without TLS and never by way of a proxy.
 *
 *   localhost     127.0.0.0/8, all four numbers written out     ::1, with or without brackets
 *
 * Anything else is another machine, and so is every name that only begins like these (127.0.0.1.example.com).
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_NET_HOST_H
#define TAPEDECK_ADAPTERS_SHELL_NET_HOST_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

bool net_host_is_here(const char *host);
/* Is the host, or a domain that it is in, among the words of a no_proxy list: names, ".suffix", "*", separated by
 * commas or spaces? list NULL: no. */
bool net_host_is_listed(const char *list, const char *host);

#ifdef __cplusplus
}
#endif
#endif
