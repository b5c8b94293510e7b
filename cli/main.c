#include <stdio.h>

int main(void)
{
    fputs("tapedeck: no verb yet\n", stderr);
    return 2;
}
