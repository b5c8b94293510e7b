#include "cli/sha256.h"

#include <openssl/evp.h>

static EVP_MD_CTX *context_of(struct sha256 *hash)
{
    return (EVP_MD_CTX *)(void *)hash;
}

struct sha256 *sha256_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct sha256 *)(void *)context;
}

bool sha256_add(struct sha256 *hash, const void *bytes, size_t size)
{
    return EVP_DigestUpdate(context_of(hash), bytes, size) == 1;
}

bool sha256_text(struct sha256 *hash, char text[SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context_of(hash), value, &size) != 1 || 2 * size + 1 != SHA256_TEXT_SIZE)
        return false;
    for (unsigned i = 0; i < size; i++) {
        text[2 * i] = digits[value[i] >> 4];
        text[2 * i + 1] = digits[value[i] & 15];
    }
    text[2 * size] = '\0';
    return true;
}

void sha256_free(struct sha256 *hash)
{
    EVP_MD_CTX_free(context_of(hash));
}
