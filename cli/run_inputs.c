#include "cli/run_inputs.h"

#include "cli/config_params.h"
#include "cli/config_schema.h"
#include "cli/hash_file.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- machines ---- */

static const struct {
    unsigned number;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_386, "x86"}, {EM_ARM, "arm"}, {EM_RISCV, "riscv"}};

void run_input_machine(const char *path, char machine[24])
{
    unsigned char head[20];
    machine[0] = '\0';
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return;
    const bool is_elf = fread(head, 1, sizeof(head), file) == sizeof(head) && memcmp(head, ELFMAG, SELFMAG) == 0;
    fclose(file);
    if (!is_elf)
        return;
    const unsigned number =
        head[EI_DATA] == ELFDATA2MSB ? (unsigned)head[18] << 8 | head[19] : (unsigned)head[19] << 8 | head[18];
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (machines[i].number == number) {
            snprintf(machine, 24, "%s", machines[i].name);
            return;
        }
    snprintf(machine, 24, "ELF machine %u", number);
}

const char *run_input_own_machine(void)
{
#if defined(__x86_64__)
    return "x86-64";
#elif defined(__aarch64__)
    return "aarch64";
#elif defined(__i386__)
    return "x86";
#elif defined(__arm__)
    return "arm";
#elif defined(__riscv)
    return "riscv";
#else
    return "another machine";
#endif
}

/* ---- the list ---- */

static err_t add(struct run_inputs *inputs, const char *key, const char *path, struct err_text *why)
{
    struct run_input *grown = realloc(inputs->at, (inputs->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    inputs->at = grown;
    struct run_input *input = &inputs->at[inputs->count];
    *input = (struct run_input){.path = path};
    snprintf(input->key, sizeof(input->key), "%s", key);
    err_t err = hash_file(path, false, input->sha256, &input->size, why);
    if (err != ERR_OK)
        return err;
    if (strcmp(key, "strategy.plugin") == 0)
        run_input_machine(path, input->machine);
    inputs->count++;
    return ERR_OK;
}

err_t run_inputs_take(struct run_inputs *inputs, const struct run_config *config, struct err_text *why)
{
    err_t err = ERR_OK;
    *inputs = (struct run_inputs){0};
    for (size_t i = 0; i < config_key_count && err == ERR_OK; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->type != CONFIG_PATH || (key->flags & CONFIG_SOCKETS) != 0)
            continue;
        const char *path;
        memcpy(&path, (const char *)config + key->offset, sizeof(path));
        if (path != NULL)
            err = add(inputs, key->path, path, why);
    }
    const struct strategy *strategy = config->strategy;
    for (uint32_t i = 0; i < strategy->param_count && err == ERR_OK; i++) {
        char key[128];
        if (strategy->params[i].type != PARAM_FILE)
            continue;
        const struct strategy_file *file = config_params_file(config, &strategy->params[i]);
        snprintf(key, sizeof(key), "strategy.params.%s", strategy->params[i].name);
        if (file->name != NULL)
            err = add(inputs, key, file->name, why);
    }
    return err;
}

void run_inputs_free(struct run_inputs *inputs)
{
    free(inputs->at);
    *inputs = (struct run_inputs){0};
}

json_t *run_inputs_json(const struct run_inputs *inputs)
{
    json_t *list = json_array();
    for (size_t i = 0; inputs != NULL && i < inputs->count; i++) {
        const struct run_input *input = &inputs->at[i];
        json_t *entry = json_object();
        json_set_text(entry, "what", input->key);
        json_set_text(entry, "path", input->path);
        json_set_u64(entry, "size", input->size);
        json_set_text(entry, "sha256", input->sha256);
        if (input->machine[0] != '\0') {
            json_set_text(entry, "machine", input->machine);
            json_set_u64(entry, "strategy_abi", STRATEGY_ABI);
        }
        json_array_append_new(list, entry);
    }
    return list;
}

/* Letters and digits only: the name comes out of a file that anyone may have written. */
void run_input_name(const char *sha256, const char *path, char name[RUN_INPUT_NAME_MAX])
{
    const char *slash = strrchr(path, '/'), *point = strrchr(slash != NULL ? slash : path, '.');
    const size_t size = point != NULL ? strlen(point + 1) : 0;
    const bool plain = size > 0 && size <= 8 &&
                       strspn(point + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == size;
    snprintf(name, RUN_INPUT_NAME_MAX, "%.64s%s", sha256, plain ? point : "");
}
