/* What no shipped strategy does: amendments, and orders that the model loses on the way. */
#include "cli/why_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

static struct instrument instrument;
static struct stage_tape tape = {.path = "dir/a.tape", .hash = "0"};
static struct stage stage = {.instruments = &instrument, .instrument_count = 1, .tapes = &tape, .lane_count = 1};
static struct run_config config;
static struct why_entry entries[16];
static struct execution executions[16];
static struct why_decided decided;
static struct why_order order;
static char *text;
static size_t size;

static void set_up(void)
{
    cr_assert_eq(instrument_init(&instrument, "v", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 1, 3), ERR_OK);
    instrument.price_show = 1;
    instrument.qty_show = 3;
    order = (struct why_order){.order = {.id = 7, .price = 1000, .qty = 2000, .state = ORDER_LIVE},
                               .first_price = 1001,
                               .first_qty = 3000,
                               .entries = entries};
}
static void tear_down(void)
{
    free(text);
}
TestSuite(why_text, .init = set_up, .fini = tear_down);

static struct why_entry *add(enum why_entry_kind kind, ns_t ts)
{
    struct why_entry *entry = &entries[order.count++];
    *entry = (struct why_entry){.kind = kind, .ts = ts};
    return entry;
}

static struct why_note *note(enum why_kind kind, ns_t ts)
{
    struct why_entry *entry = add(WHY_NOTE, ts);
    entry->note.kind = kind;
    return &entry->note;
}

static struct execution *answer(enum exec_kind kind, enum reason reason, ns_t ts)
{
    struct execution *execution = &executions[order.count];
    *execution = (struct execution){.kind = (uint8_t)kind, .reason = (uint16_t)reason};
    (void)note(WHY_ANSWERED, ts);
    entries[order.count - 1].execution = execution;
    return execution;
}

static void print(void)
{
    FILE *file = open_memstream(&text, &size);
    why_text_print(file, &stage, &config, &order, false);
    fclose(file);
    char *to = text; /* one blank where there are many: lines are broken where they are long */
    for (const char *from = text; *from != '\0'; from++)
        if ((*from != ' ' && *from != '\n') || (to != text && to[-1] != ' '))
            *to++ = *from == '\n' ? ' ' : *from;
    *to = '\0';
}

static void amend(ns_t ts, px_t price, qty_t qty)
{
    decided = (struct why_decided){.verb = WHY_AMEND, .timer_id = 3, .price = price, .qty = qty, .inputs = 9};
    add(WHY_DECIDED, ts)->decided = &decided;
}

Test(why_text, an_amendment_is_told_from_the_decision_to_the_new_place)
{
    amend(1000, 1002, 2000);
    note(WHY_SENT, 1000)->sent = (struct why_sent){.request = {.kind = VENUE_AMEND}, .drawn = 300, .arrival = 1500};
    note(WHY_ARRIVED, 1500)->arrived = (struct why_arrived){
        .request = {.kind = VENUE_AMEND, .price = 1002, .qty = 2000}, .rests = true, .leaves = 3000, .ahead = 50};
    struct execution *execution = answer(EXEC_AMENDED, REASON_NONE, 1500);
    execution->price = 1002;
    execution->qty = 2000;
    execution->leaves = 1500;
    note(WHY_JOINED, 1500)->joined = (struct why_joined){
        .price = 1002, .leaves = 1500, .displayed = 9000, .ahead = 9000, .ours = 2, .ours_qty = 70};
    print();
    HAS(text, "order 7: buy 3.000 BTCUSDT at 100.1, limit gtc ");
    HAS(text, "us amend to 2.000 at 100.2, on its timer 3; position 0.000");
    HAS(text, "sent entry latency 300 ns, and 200 ns behind the request before it");
    HAS(text, "arrived the amendment; the order rests with 3.000 left, 0.050 ahead; book there: none | none");
    HAS(text, "amended 2.000 at 100.2; 1.500 left");
    HAS(text, "joins the back of 100.2: 9.000 displayed, 9.000 ahead; 2 of ours before it (0.070)");
    HAS(text, "open the run ends with 2.000 of it open");
}

Test(why_text, an_amendment_that_is_refused_or_late_says_why)
{
    answer(EXEC_FILL, REASON_NONE, 900)->leaves = 0;
    amend(1000, 1002, 2000);
    note(WHY_ARRIVED, 1400)->arrived =
        (struct why_arrived){.request = {.kind = VENUE_AMEND, .price = 1002, .qty = 2000}};
    answer(EXEC_AMEND_REJECT, REASON_UNKNOWN_ORDER, 1400);
    instrument.lot = 3;
    answer(EXEC_AMEND_REJECT, REASON_BAD_QTY, 1500)->venue_code = -1013;
    print();
    HAS(text, "arrived the amendment; the order does not rest any more");
    HAS(text, "too late the amendment lost its race: the order was filled 500 ns before, at 00:00:00.000000900");
    HAS(text, "refused the amendment: quantity off the lot or outside the limits: 2.000 is no multiple of the lot "
              "0.003 (the venue's code -1013)");
}

Test(why_text, a_request_that_is_lost_never_reaches_the_venue)
{
    note(WHY_LOST, 1000)->sent = (struct why_sent){.request = {.kind = VENUE_CANCEL}, .drawn = 2500, .arrival = 3500};
    print();
    HAS(text, "lost the cancel never reaches the venue (latency model); known after 2.5 us");
}

/* Many moves of many causes become one line; a place beyond the feed is unknown until it is shown. */
Test(why_text, a_long_stretch_is_told_in_sums)
{
    static struct why_entry many[64];
    order.entries = many;
    qty_t ahead = 5000;
    for (int i = 0; i < 40; i++) {
        struct why_entry *entry = &many[order.count++];
        *entry = (struct why_entry){.kind = WHY_NOTE, .ts = 1000 + i, .cause = {.known = true, .kind = EVENT_TRADE}};
        entry->note.kind = i % 2 == 0 ? WHY_TRADE : WHY_DISPLAY;
        entry->note.moved =
            (struct why_moved){.before = {ahead, ahead, 0}, .after = {ahead - 10, ahead - 10, 0}, .displayed = 9000};
        if (i % 2 == 0)
            entry->note.moved.reach = 10;
        else
            entry->note.moved.split = true, entry->note.moved.shown = 9000, entry->note.moved.cancelled = 30;
        ahead -= 10;
    }
    print();
    HAS(text, "queue 20 trades (0.200), 20 cancels (0.600): ahead 5.000 -> 4.600 (in 39 ns)");
    order.count = 2;
    many[0].note.kind = WHY_JOINED;
    many[0].note.joined = (struct why_joined){.price = 1000, .ahead = INT64_MAX};
    many[1].note.moved =
        (struct why_moved){.before = {INT64_MAX, INT64_MAX, 0}, .after = {70, 70, 0}, .displayed = 70};
    free(text);
    print();
    HAS(text, "100.0, deeper than the feed shows: its queue is unknown until the level is displayed");
    HAS(text, "shows the level for the first time: 0.070 ahead");
}
