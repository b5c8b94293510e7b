#include "cli/version.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES_MAX 32

const char *cli_version(void)
{
    return TAPEDECK_VERSION;
}

const char *cli_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

/* The first object that dl_iterate_phdr shows is the program itself; its PT_NOTE segments hold the id. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *context)
{
    char *text = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr), *end = at + segment->p_memsz;
        while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof(note));
            const char *name = at + sizeof(note);
            size_t name_size = (note.n_namesz + 3u) & ~3u, body_size = (note.n_descsz + 3u) & ~3u;
            if (name_size + body_size > (size_t)(end - name))
                break;
            const unsigned char *id = (const unsigned char *)name + name_size;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
                note.n_descsz <= ID_BYTES_MAX) {
                for (unsigned j = 0; j < note.n_descsz; j++)
                    snprintf(text + 2 * j, 3, "%02x", id[j]);
                return 1;
            }
            at = (const char *)id + body_size;
        }
    }
    return 1;
}

const char *cli_build_id(void)
{
    static char text[2 * ID_BYTES_MAX + 1];
    if (text[0] == '\0') {
        strcpy(text, "unknown");
        dl_iterate_phdr(find_build_id, text);
    }
    return text;
}
