#include "adapters/shell/net_host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool net_host_is_here(const char *host)
{
    struct in_addr number;
    if (inet_pton(AF_INET, host, &number) == 1)
        return ntohl(number.s_addr) >> 24 == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

bool net_host_is_listed(const char *list, const char *host)
{
    const size_t host_size = strlen(host);
    if (list == NULL)
        return false;
    list += strspn(list, ", ");
    while (*list != '\0') {
        const size_t size = strcspn(list, ", ");
        const char *word = list[0] == '.' ? list + 1 : list;
        const size_t word_size = list[0] == '.' ? size - 1 : size;
        if (size == 1 && list[0] == '*')
            return true;
        if (word_size > 0 && host_size >= word_size &&
            strncasecmp(host + host_size - word_size, word, word_size) == 0 &&
            (host_size == word_size || host[host_size - word_size - 1] == '.'))
            return true;
        list += size;
        list += strspn(list, ", ");
    }
    return false;
}
