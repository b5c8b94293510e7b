/* strategy_new.c: the project as text, with @NAME@ and @INCLUDE@ filled in.
 *
 * The headers are found beside the running program: ../include/tapedeck of an installed one, a folder above it
 * with core/strategy.h in a source tree. The Makefile takes another place as TAPEDECK_INCLUDE. */
#include "cli/strategy_new.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char source_text[] =
    "/* @NAME@.c: buys at the best bid, sells what it bought at the best ask. A strategy to begin from.\n"
    " *\n"
    " * One order at a time. When the touch has moved `move_min` ticks away from it, it is cancelled, and placed\n"
    " * again when the venue has confirmed that it is gone. On a book that is not sound nothing is sent.\n"
    " */\n"
    "#include \"core/strategy.h\"\n"
    "\n"
    "struct @NAME@ { /* the strategy's memory: zeroed, then the parameters are filled in */\n"
    "    char symbol[PARAM_TEXT_SIZE];\n"
    "    int64_t size_wanted; /* at PARAM_DECIMALS */\n"
    "    int64_t move_min;    /* ticks */\n"
    "\n"
    "    uint16_t number; /* of the instrument */\n"
    "    const struct instrument *instrument;\n"
    "    qty_t size;\n"
    "    uint64_t order_id; /* 0: no order out */\n"
    "    enum side side;    /* of the order */\n"
    "    px_t price;        /* of the order */\n"
    "    bool cancelling;\n"
    "};\n"
    "\n"
    "static err_t @NAME@_start(struct strategy_ctx *ctx, void *state)\n"
    "{\n"
    "    struct @NAME@ *s = state;\n"
    "    if (strategy_find_instrument(ctx, s->symbol, &s->number) != ERR_OK) {\n"
    "        strategy_log(ctx, LOG_ERROR, \"@NAME@: `instrument` is not one of this run's instruments\");\n"
    "        return ERR_UNKNOWN;\n"
    "    }\n"
    "    s->instrument = strategy_instrument(ctx, s->number);\n"
    "    err_t err = instrument_qty_from(s->instrument, s->size_wanted, PARAM_DECIMALS, ROUND_DOWN, &s->size);\n"
    "    s->size = instrument_round_qty(s->instrument, s->size);\n"
    "    if (err != ERR_OK || s->size == 0) {\n"
    "        strategy_log(ctx, LOG_ERROR, \"@NAME@: `size` is smaller than the instrument's lot\");\n"
    "        return ERR_RANGE;\n"
    "    }\n"
    "    return ERR_OK;\n"
    "}\n"
    "\n"
    "/* Our order is too far from where we would place it now. */\n"
    "static bool has_moved(const struct @NAME@ *s, px_t wanted, ns_t now)\n"
    "{\n"
    "    px_t tick, distance = wanted > s->price ? wanted - s->price : s->price - wanted;\n"
    "    return instrument_tick(s->instrument, wanted, now, &tick) == ERR_OK && distance >= s->move_min * tick;\n"
    "}\n"
    "\n"
    "static void @NAME@_book(struct strategy_ctx *ctx, void *state, const struct event *event)\n"
    "{\n"
    "    struct @NAME@ *s = state;\n"
    "    const struct book *book = strategy_book(ctx, s->number);\n"
    "    if (event->instrument != s->number || !book_is_sound(book))\n"
    "        return;\n"
    "    qty_t held = strategy_position(ctx, s->number)->qty;\n"
    "    enum side side = held > 0 ? SIDE_SELL : SIDE_BUY;\n"
    "    struct level touch;\n"
    "    if (!book_best(book, side, &touch))\n"
    "        return;\n"
    "    if (s->order_id != 0) {\n"
    "        if (!s->cancelling && (s->side != side || has_moved(s, touch.price, event->ts)))\n"
    "            s->cancelling = strategy_cancel(ctx, s->order_id) == ERR_OK;\n"
    "        return;\n"
    "    }\n"
    "    s->side = side;\n"
    "    s->price = touch.price;\n"
    "    if (strategy_limit(ctx, s->number, side, touch.price, held > 0 ? held : s->size, TIF_GTC, ORDER_POST_ONLY,\n"
    "                       &s->order_id) != ERR_OK)\n"
    "        s->order_id = 0; /* refused by the risk gate: the reason is in the run's orders.csv */\n"
    "}\n"
    "\n"
    "static void @NAME@_order(struct strategy_ctx *ctx, void *state, const struct order *order,\n"
    "                         const struct execution *execution)\n"
    "{\n"
    "    struct @NAME@ *s = state;\n"
    "    (void)ctx;\n"
    "    if (order->id != s->order_id)\n"
    "        return;\n"
    "    if (execution->kind == EXEC_CANCEL_REJECT)\n"
    "        s->cancelling = false;\n"
    "    if (!order_is_open(order)) {\n"
    "        s->order_id = 0;\n"
    "        s->cancelling = false;\n"
    "    }\n"
    "}\n"
    "\n"
    "/* name, type, minimum, maximum, default (NULL: must be given), help, place in the state */\n"
    "static const struct strategy_param @NAME@_params[] = {\n"
    "    {\"instrument\", PARAM_TEXT, NULL, NULL, \"\", \"symbol to trade; empty: the first instrument of the "
    "run\",\n"
    "     offsetof(struct @NAME@, symbol)},\n"
    "    {\"size\", PARAM_DECIMAL, \"0.00000001\", \"1000000\", \"0.01\", \"quantity of an order, in the base "
    "currency\",\n"
    "     offsetof(struct @NAME@, size_wanted)},\n"
    "    {\"move_min\", PARAM_INT, \"1\", \"100000\", \"5\", \"ticks that the touch must move before the order "
    "follows\",\n"
    "     offsetof(struct @NAME@, move_min)},\n"
    "};\n"
    "\n"
    "/* What `tapedeck state` shows of it. */\n"
    "static const struct strategy_variable @NAME@_variables[] = {\n"
    "    {.name = \"order_id\", .type = VARIABLE_COUNT, .offset = offsetof(struct @NAME@, order_id)},\n"
    "    {.name = \"price\",\n"
    "     .type = VARIABLE_PRICE,\n"
    "     .offset = offsetof(struct @NAME@, price),\n"
    "     .instrument_at = offsetof(struct @NAME@, number)},\n"
    "    {.name = \"cancelling\", .type = VARIABLE_BOOL, .offset = offsetof(struct @NAME@, cancelling)},\n"
    "};\n"
    "\n"
    "static const struct strategy @NAME@_strategy = {\n"
    "    .abi = STRATEGY_ABI,\n"
    "    .name = \"@NAME@\",\n"
    "    .version = \"1\",\n"
    "    .help = \"Buys at the best bid, sells what it bought at the best ask. One order at a time.\",\n"
    "    .state_size = sizeof(struct @NAME@),\n"
    "    .params = @NAME@_params,\n"
    "    .param_count = sizeof(@NAME@_params) / sizeof(@NAME@_params[0]),\n"
    "    .variables = @NAME@_variables,\n"
    "    .variable_count = sizeof(@NAME@_variables) / sizeof(@NAME@_variables[0]),\n"
    "    .start = @NAME@_start,\n"
    "    .book = @NAME@_book,\n"
    "    .order = @NAME@_order,\n"
    "    /* also: .trade, .fill, .timer, .signal, .stop */\n"
    "};\n"
    "\n"
    "/* The one symbol that tapedeck looks for. */\n"
    "const struct strategy *tapedeck_strategy(void);\n"
    "const struct strategy *tapedeck_strategy(void)\n"
    "{\n"
    "    return &@NAME@_strategy;\n"
    "}\n";

static const char makefile_text[] =
    "# The folder that holds core/strategy.h: a source tree, or PREFIX/include/tapedeck of an installed program.\n"
    "TAPEDECK_INCLUDE ?= @INCLUDE@\n"
    "CC ?= cc\n"
    "# Doubles, when the strategy uses them, must give the same bits everywhere: no contraction, no fast-math.\n"
    "CFLAGS ?= -O2 -g\n"
    "override CFLAGS += -std=gnu17 -fPIC -Wall -Wextra -ffp-contract=off -isystem $(TAPEDECK_INCLUDE)\n"
    "\n"
    "@NAME@.so: @NAME@.c\n"
    "\t$(CC) $(CFLAGS) -shared -o $@ $< $(LDFLAGS)\n"
    "\n"
    "clean:\n"
    "\trm -f @NAME@.so\n"
    "\n"
    ".PHONY: clean\n";

static const char config_text[] = "# tapedeck run @NAME@.yaml --tape FILE\n"
                                  "# Every key with its type, range and default: tapedeck config explain\n"
                                  "\n"
                                  "seed: 1\n"
                                  "mode: backtest\n"
                                  "\n"
                                  "feed:\n"
                                  "  tapes: []               # or name them here, relative to this file\n"
                                  "\n"
                                  "venue:\n"
                                  "  latency:\n"
                                  "    entry: 2ms\n"
                                  "    response: 2ms\n"
                                  "  fees:\n"
                                  "    maker: \"0.0002\"\n"
                                  "    taker: \"0.0005\"\n"
                                  "\n"
                                  "account:\n"
                                  "  balances:\n"
                                  "    USDT: \"100000\"\n"
                                  "\n"
                                  "risk:\n"
                                  "  open_orders_max: 4\n"
                                  "  orders_per_second_max: 50\n"
                                  "\n"
                                  "strategy:\n"
                                  "  plugin: @NAME@.so\n"
                                  "  params:\n"
                                  "    size: \"0.01\"\n"
                                  "    move_min: 5\n"
                                  "\n"
                                  "output:\n"
                                  "  dir: runs\n";

static const char readme_text[] =
    "# @NAME@\n"
    "\n"
    "A tapedeck strategy as a plug-in.\n"
    "\n"
    "    make                                         # builds @NAME@.so\n"
    "    tapedeck strategy show ./@NAME@.so           # loads it and prints its parameters\n"
    "    tapedeck synth demo.tape                     # a made market, when you have no tape\n"
    "    tapedeck run @NAME@.yaml --tape demo.tape    # runs it\n"
    "\n"
    "`@NAME@.c` is all of it: the memory, the callbacks, the table of parameters. The contract is the header\n"
    "`core/strategy.h`. When tapedeck's strategy ABI changes, the program says so and refuses the old `@NAME@.so`:\n"
    "build it again with the new headers (`make clean all TAPEDECK_INCLUDE=DIR`).\n";

static bool name_is_good(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > 40 || !((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_'))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static bool has_headers(const char *dir)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/core/strategy.h", dir);
    return size > 0 && (size_t)size < sizeof(path) && access(path, R_OK) == 0;
}

static void find_headers(char include[PATH_MAX])
{
    char dir[PATH_MAX - 32];
    ssize_t size = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
    dir[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash != NULL)
        *slash = '\0';
    snprintf(include, PATH_MAX, "%s/../include/tapedeck", dir);
    char *real = has_headers(include) ? realpath(include, NULL) : NULL;
    if (real != NULL) {
        snprintf(include, PATH_MAX, "%s", real);
        free(real);
        return;
    }
    for (; (slash = strrchr(dir, '/')) != NULL; *slash = '\0') {
        if (has_headers(dir)) {
            snprintf(include, PATH_MAX, "%s", dir);
            return;
        }
    }
    snprintf(include, PATH_MAX, "/usr/local/include/tapedeck");
}

static err_t say_write(const char *path, struct err_text *why)
{
    err_t code = errno == EEXIST   ? ERR_EXISTS
                 : errno == ENOSPC ? ERR_NOSPACE
                 : errno == EACCES ? ERR_PERMISSION
                                   : ERR_IO;
    return err_say(why, code, "%s: %s%s", path, strerror(errno),
                   code == ERR_EXISTS ? "; nothing was overwritten, choose another --dir" : "");
}

static err_t write_file(const char *dir, const char *file_name, const char *text, const char *name,
                        const char *include, struct err_text *why)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, file_name) >= (int)sizeof(path))
        return err_say(why, ERR_RANGE, "%s: path too long", dir);
    FILE *file = fopen(path, "wx"); /* x: never over a file that is there */
    if (file == NULL)
        return say_write(path, why);
    for (const char *at = text; *at != '\0';) {
        if (strncmp(at, "@NAME@", 6) == 0) {
            fputs(name, file);
            at += 6;
        } else if (strncmp(at, "@INCLUDE@", 9) == 0) {
            fputs(include, file);
            at += 9;
        } else {
            fputc(*at++, file);
        }
    }
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad)
        return say_write(path, why);
    printf("wrote %s\n", path);
    return ERR_OK;
}

err_t strategy_new(const char *name, const char *dir, struct err_text *why)
{
    char include[PATH_MAX], source_name[64], config_name[64];
    if (!name_is_good(name))
        return err_say(why, ERR_USAGE, "NAME: expected lower-case letters, digits and _ (at most 40), got '%s'",
                       name);
    dir = dir != NULL ? dir : name;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return say_write(dir, why);
    find_headers(include);
    snprintf(source_name, sizeof(source_name), "%s.c", name);
    snprintf(config_name, sizeof(config_name), "%s.yaml", name);
    const struct {
        const char *file_name, *text;
    } files[] = {{source_name, source_text},
                 {"Makefile", makefile_text},
                 {config_name, config_text},
                 {"README.md", readme_text}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        err_t err = write_file(dir, files[i].file_name, files[i].text, name, include, why);
        if (err != ERR_OK)
            return err;
    }
    printf("\nNext:\n  make -C %s\n  tapedeck strategy show %s/%s.so\n  tapedeck run %s/%s.yaml --tape FILE\n", dir,
           dir, name, dir, name);
    return ERR_OK;
}
