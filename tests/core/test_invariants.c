/* The second set of books: it agrees with the account over random trading, and every tampering with either is found,
 * by name and with both numbers. The product has no switch for that: the tests reach into the engine's memory. */
#include "core/book_check.h"
#include "core/invariants.h"
#include "core/prng.h"
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- against the account alone ---- */

#define INSTRUMENTS 4

struct pair {
    struct instrument instruments[INSTRUMENTS];
    struct account *account;
    struct invariants *invariants;
};

static void *fresh(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    cr_assert_not_null(memory);
    return memory;
}

static void name_instrument(struct instrument *instrument, const char *symbol, const char *base, const char *quote,
                            enum contract_kind contract)
{
    memset(instrument, 0, sizeof(*instrument));
    snprintf(instrument->venue, sizeof(instrument->venue), "v");
    snprintf(instrument->symbol, sizeof(instrument->symbol), "%s", symbol);
    snprintf(instrument->base, sizeof(instrument->base), "%s", base);
    snprintf(instrument->quote, sizeof(instrument->quote), "%s", quote);
    snprintf(instrument->settle, sizeof(instrument->settle), "%s", contract == CONTRACT_INVERSE ? base : quote);
    instrument->contract = contract;
    instrument->price_decimals = 2;
    instrument->qty_decimals = 3;
    instrument->multiplier = 1;
}

static struct pair *pair_new(void)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    cr_assert_not_null(pair);
    struct instrument *list = pair->instruments;
    name_instrument(&list[0], "BTC-USDT", "BTC", "USDT", CONTRACT_SPOT);
    name_instrument(&list[1], "ETHUSDT", "ETH", "USDT", CONTRACT_LINEAR);
    name_instrument(&list[2], "BTCUSD", "BTC", "USD", CONTRACT_INVERSE);
    name_instrument(&list[3], "TINY", "X", "USDT", CONTRACT_LINEAR);
    list[2].multiplier = 100;
    list[3].price_decimals = list[3].qty_decimals = 10; /* more than 18 together: roundings show */
    list[3].multiplier = 7;
    list[3].multiplier_decimals = 3;
    pair->account = account_init(fresh(account_size(INSTRUMENTS)), list, INSTRUMENTS);
    pair->invariants = invariants_init(fresh(invariants_size(INSTRUMENTS)), list, INSTRUMENTS);
    cr_assert_eq(account_deposit(pair->account, "USDT", 1000 * money_pow10(MONEY_DECIMALS)), ERR_OK);
    invariants_begin(pair->invariants, pair->account);
    return pair;
}

static void pair_free(struct pair *pair)
{
    free(pair->account);
    free(pair->invariants);
    free(pair);
}

static void pair_fill(struct pair *pair, uint16_t instrument, enum side side, px_t price, qty_t qty, money_t fee,
                      const char *currency)
{
    cr_assert_eq(account_fill(pair->account, instrument, side, price, qty, fee, 6, currency), ERR_OK);
    invariants_fill(pair->invariants, instrument, side, price, qty, fee, 6, currency);
}

static void random_trading(struct pair *pair, struct prng *prng, unsigned fills)
{
    static const char *const currencies[] = {"USDT", "BTC", "BNB"};
    for (unsigned i = 0; i < fills; i++) {
        const uint64_t word = prng_next(prng);
        pair_fill(pair, (uint16_t)(word % INSTRUMENTS), word & 16 ? SIDE_BUY : SIDE_SELL,
                  1 + (px_t)(prng_next(prng) % 10000000), 1 + (qty_t)(prng_next(prng) % 50000),
                  (money_t)(prng_next(prng) % 2000) - 300, currencies[word >> 8 & 1 ? 0 : word % 3]);
        if (word % 37 == 0) {
            const money_t amount = (money_t)(word >> 3) - (money_t)(UINT64_MAX >> 4);
            cr_assert_eq(account_fund(pair->account, 1, amount), ERR_OK);
            invariants_fund(pair->invariants, 1, amount);
        }
        if (word % 41 == 0) {
            cr_assert_eq(account_pay(pair->account, "KRW", (money_t)word), ERR_OK);
            invariants_pay(pair->invariants, "KRW", (money_t)word);
        }
    }
}

static void expect_holds(struct pair *pair, uint64_t seed)
{
    struct breach breach = {0};
    cr_assert(invariants_hold(pair->invariants, pair->account, &breach), "seed %" PRIu64 ": %s %s", seed,
              breach.invariant, breach.where);
}

Test(invariants, the_account_agrees_over_random_trading_of_every_kind_of_contract, .timeout = 60)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct pair *pair = pair_new();
        struct prng prng;
        prng_init(&prng, seed, 9);
        for (int i = 0; i < 20; i++) {
            random_trading(pair, &prng, 1 + (unsigned)(prng_next(&prng) % 10));
            expect_holds(pair, seed);
        }
        pair_free(pair);
    }
}

Test(invariants, any_one_number_of_the_account_that_is_changed_is_found)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct pair *pair = pair_new();
        struct prng prng;
        prng_init(&prng, seed, 10);
        random_trading(pair, &prng, 60);
        expect_holds(pair, seed);
        struct breach breach;
        for (uint16_t i = 0; i < INSTRUMENTS; i++) {
            struct position *position = (struct position *)(uintptr_t)account_position(pair->account, i);
            const struct position kept = *position;
#define FOUND(change, name)                                                                                          \
    change;                                                                                                          \
    cr_assert(!invariants_hold(pair->invariants, pair->account, &breach), "seed %" PRIu64 ": " #change, seed);       \
    cr_assert_str_eq(breach.invariant, name);                                                                        \
    cr_assert_neq(breach.expected, breach.found);                                                                    \
    *position = kept
            FOUND(position->qty++, "position");
            FOUND(position->bought--, "position");
            FOUND(position->fill_count++, "position");
            FOUND(position->realised++, "realised");
            FOUND(position->cost += money_pow10(6), position->qty == 0 ? "position" : "realised");
#undef FOUND
        }
        for (uint32_t i = 0; i < account_balance_count(pair->account); i++) {
            struct balance *balance = (struct balance *)(uintptr_t)account_balance_at(pair->account, i);
            const struct balance kept = *balance;
            balance->total++;
            cr_assert(!invariants_hold(pair->invariants, pair->account, &breach));
            cr_assert(strcmp(breach.invariant, "cash") == 0 && strcmp(breach.where, kept.currency) == 0);
            cr_assert(breach.expected == kept.total && breach.found == kept.total + 1);
            *balance = kept;
            balance->fees--;
            cr_assert(!invariants_hold(pair->invariants, pair->account, &breach));
            cr_assert_str_eq(breach.invariant, "fees");
            *balance = kept;
            balance->funding--;
            cr_assert(!invariants_hold(pair->invariants, pair->account, &breach));
            cr_assert_str_eq(breach.invariant, "funding");
            *balance = kept;
        }
        expect_holds(pair, seed);
        pair_free(pair);
    }
}

/* ---- in a run ---- */

enum tamper {
    TAMPER_NOTHING,
    TAMPER_CASH,
    TAMPER_POSITION,
    TAMPER_LOCK,
    TAMPER_FILLED,
    TAMPER_TOUCH,
    TAMPER_BEST,
    TAMPER_CROSSED_FLAG,
    TAMPER_CROSSED_COUNT,
    TAMPER_NEGATIVE,
    TAMPER_HIDDEN,
};

static struct book *book_of(struct rig *rig)
{
    return (struct book *)(uintptr_t)engine_book(rig->engine, 0);
}

static void tamper(struct rig *rig)
{
    struct book *book = book_of(rig);
    struct position *position = (struct position *)(uintptr_t)account_position(engine_account(rig->engine), 0);
    switch ((enum tamper)rig->word) {
    case TAMPER_NOTHING:
        break;
    case TAMPER_CASH:
        cr_assert_eq(account_pay(engine_account(rig->engine), "USDT", 1), ERR_OK);
        break;
    case TAMPER_POSITION:
        position->qty++;
        break;
    case TAMPER_LOCK:
        order_table_find(engine_orders(rig->engine), 2)->locked++;
        break;
    case TAMPER_FILLED:
        order_table_find(engine_orders(rig->engine), 2)->filled = 2000;
        break;
    case TAMPER_TOUCH:
        book->touch[SIDE_BUY].qty++;
        break;
    case TAMPER_BEST:
        book->touch[SIDE_SELL].price++;
        break;
    case TAMPER_CROSSED_FLAG:
        book->flags |= BOOK_CROSSED;
        break;
    case TAMPER_CROSSED_COUNT:
        book->stats.crossed++;
        break;
    case TAMPER_NEGATIVE: /* beside the touch: only a whole look finds it */
        book->sides[SIDE_BUY].qty[book->sides[SIDE_BUY].best - 1] = -1;
        break;
    case TAMPER_HIDDEN:
        book->sides[SIDE_SELL].used[book->sides[SIDE_SELL].best / 256] = 0;
        break;
    }
}

/* A bought position and a resting order, then the tampering. */
static void trade_and_tamper(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment == 'b' && ts == 100) {
        cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 10010, 1000, TIF_GTC, 0, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 9000, 1000, TIF_GTC, 0, NULL), ERR_OK);
    }
    if (moment == 'b' && ts == 300)
        tamper(rig);
}

static err_t run_with(enum tamper what, enum engine_checks checks, struct breach *breach, char *why)
{
    struct rig *rig = rig_new();
    rig->react = trade_and_tamper;
    rig->word = what;
    rig->config.checks = checks;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_fill(rig, 200, 1, 10010, 1000);
    rig_execution(rig, 210, 2, EXEC_ACK);
    rig_delta(rig, 300, SIDE_BUY, 9990, 5);
    rig_trade(rig, 400, 10000, 1);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    const err_t err = engine_run(rig->engine, UINT64_MAX);
    if (engine_breach(rig->engine) != NULL)
        *breach = *engine_breach(rig->engine);
    snprintf(why, 400, "%.399s", engine_why(rig->engine)->text);
    rig_free(rig);
    return err;
}

Test(invariants, each_one_that_is_broken_ends_the_run_by_its_name)
{
    static const struct {
        enum tamper what;
        const char *name;
        bool cheap; /* found without `all` */
    } cases[] = {
        {TAMPER_CASH, "cash", true},
        {TAMPER_POSITION, "position", true},
        {TAMPER_LOCK, "locked", true},
        {TAMPER_FILLED, "orders", true},
        {TAMPER_TOUCH, "touch", true},
        {TAMPER_BEST, "touch", true},
        {TAMPER_CROSSED_FLAG, "crossed", true},
        {TAMPER_CROSSED_COUNT, "crossed", true},
        {TAMPER_NEGATIVE, "book", false},
        {TAMPER_HIDDEN, "book", false},
    };
    struct breach breach;
    char why[400];
    cr_assert_eq(run_with(TAMPER_NOTHING, ENGINE_CHECKS_ALL, &breach, why), ERR_END, "%s", why);
    cr_assert_eq(run_with(TAMPER_NOTHING, ENGINE_CHECKS_CHEAP, &breach, why), ERR_END, "%s", why);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cr_assert_eq(run_with(cases[i].what, ENGINE_CHECKS_ALL, &breach, why), ERR_INVARIANT, "%s", cases[i].name);
        cr_assert_str_eq(breach.invariant, cases[i].name);
        cr_assert_eq(breach.inputs, 5);
        char words[64];
        snprintf(words, sizeof(words), "the invariant '%s' does not hold after input 5: ", cases[i].name);
        cr_assert_not_null(strstr(why, words), "%s", why);
        cr_assert_not_null(strstr(why, "expected "), "%s", why);
        cr_assert_eq(run_with(cases[i].what, ENGINE_CHECKS_CHEAP, &breach, why),
                     cases[i].cheap ? ERR_INVARIANT : ERR_END, "%s", cases[i].name);
    }
}

Test(invariants, an_input_that_is_older_than_the_one_before_is_not_handled)
{
    struct rig *rig = rig_new();
    rig_snapshot(rig, 100, 10000, 10010);
    rig_trade(rig, 200, 10000, 1);
    rig_trade(rig, 199, 10000, 1)->lane = 7;
    rig_trade(rig, 300, 10000, 1);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_INVARIANT);
    const struct breach *breach = engine_breach(rig->engine);
    cr_assert(breach->expected == 200 && breach->found == 199 && breach->inputs == 3);
    cr_assert(strcmp(breach->invariant, "time_order") == 0 && strcmp(breach->where, "lane 7: ns") == 0);
    cr_assert_eq(engine_counters(rig->engine)->inputs, 2);
    cr_assert_eq(engine_now(rig->engine), 200);
    cr_assert_eq(engine_run(rig->engine, 1), ERR_INVARIANT, "it stays ended");
    rig_free(rig);
}

Test(invariants, how_much_is_checked_changes_no_digest)
{
    struct digest_value digests[2];
    for (int i = 0; i < 2; i++) {
        struct rig *rig = rig_new();
        rig->react = trade_and_tamper;
        rig->config.checks = i == 0 ? ENGINE_CHECKS_CHEAP : ENGINE_CHECKS_ALL;
        rig->batch = 16;
        rig_snapshot(rig, 100, 10000, 10010);
        rig_fill(rig, 150, 1, 10010, 1000);
        for (ns_t ts = 301; ts < 500; ts++)
            rig_delta(rig, ts, SIDE_BUY, 9000 + ts, 5 + ts % 7);
        digests[i] = rig_run(rig);
        cr_assert_eq(engine_check_counts(rig->engine).checks, i == 0 ? 1 : 4);
        rig_free(rig);
    }
    cr_assert(digests[0].low == digests[1].low && digests[0].high == digests[1].high);
}

Test(invariants, a_book_far_from_its_window_is_whole_and_an_unsorted_one_is_not)
{
    struct rig *rig = rig_new();
    rig->config.checks = ENGINE_CHECKS_ALL;
    rig_snapshot(rig, 100, 10000, 10010);
    for (ns_t i = 0; i < 3; i++)
        rig_delta(rig, 200 + i, SIDE_SELL, 5000000 + i * 100000, 7);
    (void)rig_run(rig);
    struct book *book = book_of(rig);
    struct breach breach = {0};
    cr_assert_eq(book->sides[SIDE_SELL].far.count, 3);
    cr_assert(book_check(book, true, &breach), "%s", breach.where);
    struct level *far = book->sides[SIDE_SELL].far.levels;
    const struct level kept = far[1];
    far[1] = far[0];
    cr_assert(!book_check(book, true, &breach));
    cr_assert_str_eq(breach.invariant, "book");
    far[1] = (struct level){kept.price, 0};
    cr_assert(!book_check(book, true, &breach));
    far[1] = kept;
    far[0].price = 10020;
    cr_assert(!book_check(book, true, &breach), "a level that the window should hold");
    rig_free(rig);
}
