/* tiny_link.h: a link that does as little as one can: one connection, one book of Binance, asked for again whenever
 * something was missed. For tests of what stands around links. */
#ifndef TAPEDECK_TESTS_ADAPTERS_TINY_LINK_H
#define TAPEDECK_TESTS_ADAPTERS_TINY_LINK_H

#include "adapters/binance/market.h"
#include "adapters/link.h"

#include <stdlib.h>
#include <string.h>

#define TINY_PERIOD (500 * NS_PER_MS) /* it wants to be woken so often */

struct tiny_link {
    struct link link; /* first */
    struct market *market;
    struct link_wire wire;
    uint16_t number;
    const char *url;
    uint64_t asked;
    ns_t due;
    bool begun, up;
};

static inline void tiny_ask(struct tiny_link *tiny)
{
    tiny->wire.get(tiny->wire.context, tiny->number, ++tiny->asked, "https://x/depth?symbol=BTCUSDT", NS_PER_S);
}

static inline err_t tiny_input(struct link *link, const struct link_input *input, struct err_text *why)
{
    struct tiny_link *tiny = (struct tiny_link *)(void *)link;
    struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size, .kind = FRAME_WS};
    err_t err = ERR_OK;
    if (!tiny->begun)
        tiny->wire.open(tiny->wire.context, tiny->number, 0, tiny->url);
    tiny->begun = true;
    tiny->due = input->ts + TINY_PERIOD;
    switch (input->what) {
    case LINK_UP:
        tiny->up = true;
        tiny_ask(tiny);
        break;
    case LINK_DOWN:
        tiny->up = false;
        err = tiny->market->ops->disconnected(tiny->market, input->ts);
        tiny->wire.open(tiny->wire.context, tiny->number, 0, tiny->url);
        break;
    case LINK_DROPPED:
        err = tiny->market->ops->disconnected(tiny->market, input->ts);
        tiny_ask(tiny);
        break;
    case LINK_ANSWER:
        frame.kind = FRAME_REST_SNAPSHOT;
        frame.symbol = "BTCUSDT";
        frame.symbol_size = 7;
        err = tiny->market->ops->frame(tiny->market, &frame, why);
        break;
    case LINK_TEXT:
        err = tiny->market->ops->frame(tiny->market, &frame, why);
        break;
    default:
        break;
    }
    return err == ERR_SYNTAX || err == ERR_RANGE || err == ERR_PRECISION || err == ERR_UNSUPPORTED ? ERR_OK : err;
}

static inline ns_t tiny_due(const struct link *link)
{
    return ((const struct tiny_link *)(const void *)link)->due;
}

static inline const struct market_stats *tiny_market(const struct link *link, uint16_t instrument)
{
    const struct tiny_link *tiny = (const struct tiny_link *)(const void *)link;
    return tiny->market->ops->stats(tiny->market, instrument);
}

static inline void tiny_stats(const struct link *link, struct link_stats *stats)
{
    (void)link;
    *stats = (struct link_stats){.inputs = 0};
}

static inline void tiny_close(struct link *link)
{
    struct tiny_link *tiny = (struct tiny_link *)(void *)link;
    tiny->market->ops->close(tiny->market);
    free(tiny);
}

static inline struct link *tiny_link_open(uint16_t number, const char *url, const struct market_sink *sink,
                                          const struct link_wire *wire)
{
    static const struct link_ops ops = {"binance-usdm", tiny_input, tiny_due, tiny_market, tiny_stats, tiny_close};
    struct tiny_link *tiny = calloc(1, sizeof(*tiny));
    ASSERT(tiny != NULL);
    *tiny = (struct tiny_link){.link = {&ops}, .wire = *wire, .number = number, .url = url};
    ASSERT(binance_market_open(BINANCE_USDM, sink, &tiny->market) == ERR_OK);
    return &tiny->link;
}

#endif
