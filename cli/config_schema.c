#include "cli/config_schema.h"

#include <string.h>

#define AT(field)   offsetof(struct run_config, field)
#define ITEM(field) offsetof(struct config_instrument, field)
#define LINK(field) offsetof(struct config_link, field)

const struct config_key config_keys[] = {
    {"seed", CONFIG_U64, AT(seed), "0", "9223372036854775807", "1", NULL,
     "Seed of everything random in the run. Same binary, config, seed and inputs: same digest.", 0},
    {"mode", CONFIG_CHOICE, AT(mode), NULL, NULL, "backtest", "backtest|paper",
     "The world that the engine runs in. backtest: recorded or made market data and a simulated venue; paper: market "
     "data as they happen and a simulated venue.",
     0},
    {"journal", CONFIG_CHOICE, AT(journal), NULL, NULL, "off", "off|on",
     "Keep a journal of the run: every execution, order and line, and the digests every 4096 inputs (docs/proof.md). "
     "Never changes a result. With mode: paper it is on unless it is said to be off.",
     CONFIG_NOT_HASHED},

    {"feed", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "Where the market comes from: exactly one of tapes, synth.",
     0},
    {"feed.tapes", CONFIG_TAPES, AT(feed.tapes), NULL, NULL, NULL, NULL,
     "Tape files, merged into one order in time. Relative paths start at this config's folder. --tape replaces "
     "them.",
     CONFIG_NOT_HASHED},
    {"feed.synth", CONFIG_SECTION_OPTIONAL, AT(feed.synth.set), NULL, NULL, NULL, NULL,
     "A made market instead of tapes: seeded order flow over a true order book.", 0},
    {"feed.synth.seed", CONFIG_U64, AT(feed.synth.seed), "0", "9223372036854775807", "1", NULL,
     "Seed of the made market, apart from the run's seed.", 0},
    {"feed.synth.start", CONFIG_TIME, AT(feed.synth.start), NULL, NULL, "2024-01-01T00:00:00Z", NULL,
     "When the made market begins.", 0},
    {"feed.synth.duration", CONFIG_DURATION, AT(feed.synth.duration), "1s", "3660d", "1h", NULL,
     "How long the made market lasts.", 0},
    {"feed.synth.instruments", CONFIG_U32, AT(feed.synth.instruments), "1", "256", "1", NULL,
     "How many instruments it has.", 0},
    {"feed.synth.level3", CONFIG_BOOL, AT(feed.synth.level3), NULL, NULL, "false", NULL,
     "Also send order-by-order events.", 0},
    {"feed.latency", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "How late market data are: as recorded, or remodelled.", 0},
    {"feed.latency.model", CONFIG_CHOICE, AT(feed.latency.model), NULL, NULL, "tape",
     "tape|constant|lognormal|empirical|interpolated",
     "tape: as recorded; the others: the venue's stamp and a delay, each lane first in, first out. See "
     "docs/latency.md.",
     0},
    {"feed.latency.delay", CONFIG_DURATION, AT(feed.latency.side.delay), "0s", "1h", "2ms", NULL,
     "From the venue's stamp to the strategy. Of model lognormal: the median.", 0},
    {"feed.latency.min", CONFIG_DURATION, AT(feed.latency.side.min), "0s", "1h", "0s", NULL,
     "Model lognormal: the least delay, at most the median.", 0},
    {"feed.latency.sigma", CONFIG_DECIMAL, AT(feed.latency.side.sigma), "0", "4", NULL, NULL,
     "Model lognormal: standard deviation of the logarithm of what comes on top of the least delay.", 0},
    {"feed.latency.burst", CONFIG_DURATION, AT(feed.latency.side.burst), "0s", "1d", "0s", NULL,
     "Models lognormal and empirical: how long slow and fast spells last (correlation 1/e); 0s: none.", 0},
    {"feed.latency.file", CONFIG_PATH, AT(feed.latency.file), NULL, NULL, NULL, NULL,
     "Models empirical and interpolated: CSV of measured arrivals: exch,recv in ns. Its rows are part of the config "
     "hash.",
     CONFIG_NOT_HASHED},
    {"feed.from", CONFIG_TIME, AT(feed.from), NULL, NULL, NULL, NULL, "Leave out what is before this time.", 0},
    {"feed.to", CONFIG_TIME, AT(feed.to), NULL, NULL, NULL, NULL, "Stop before this time.", 0},
    {"feed.speed", CONFIG_SPEED, AT(feed.speed), "1x", "1000000x", "max", NULL,
     "max: as fast as possible; 1x: at the recorded pace; 10x: ten times that. Never changes a result.",
     CONFIG_NOT_HASHED},
    {"feed.read_ahead", CONFIG_BOOL, AT(feed.read_ahead), NULL, NULL, "false", NULL,
     "Read and decode tapes in a second thread. Never changes a result.", CONFIG_NOT_HASHED},
    {"feed.live", CONFIG_LINKS, AT(feed.links), NULL, NULL, NULL, NULL,
     "Venues to listen to, with mode: paper and by 'tapedeck record' (docs/record.md).", CONFIG_NOT_HASHED},
    {"feed.live[].venue", CONFIG_CHOICE, LINK(venue), NULL, NULL, NULL, "binance-usdm|binance-spot|upbit",
     "The venue that is listened to.", CONFIG_REQUIRED | CONFIG_NOT_HASHED},
    {"feed.live[].symbols", CONFIG_WORDS, LINK(symbols), NULL, NULL, NULL, NULL,
     "Its symbols, as the venue writes them: [BTCUSDT, ETHUSDT], [KRW-BTC].", CONFIG_REQUIRED | CONFIG_NOT_HASHED},
    {"feed.live[].streams", CONFIG_WORDS, LINK(streams), NULL, NULL, "book,trades", NULL,
     "What of each symbol: book (the whole book), partial (its top levels), trades, bbo, mark, candles, ticker.",
     CONFIG_NOT_HASHED},
    {"feed.live[].rest", CONFIG_TEXT, LINK(rest), NULL, NULL, NULL, NULL,
     "Where requests go, https://host[:port]. Not set: the venue's own address.", CONFIG_NOT_HASHED},
    {"feed.live[].stream", CONFIG_TEXT, LINK(stream), NULL, NULL, NULL, NULL,
     "Where WebSockets are opened, wss://host[:port]. Not set: the venue's own address.", CONFIG_NOT_HASHED},
    {"feed.live[].depth", CONFIG_DURATION, LINK(depth), "0s", "10s", "0s", NULL,
     "How often the venue sends book updates: 100ms, 250ms, 500ms, 1s, where it has them. 0s: the most often.",
     CONFIG_NOT_HASHED},
    {"feed.live[].levels", CONFIG_U32, LINK(levels), "0", "30", "0", NULL,
     "Levels of stream partial (5, 10, 20), of Upbit's books (1, 5, 15, 30). 0: the most.", CONFIG_NOT_HASHED},
    {"feed.live[].interval", CONFIG_TEXT, LINK(interval), NULL, NULL, NULL, NULL,
     "Of candles, as the venue writes it: 1m, 15m. Not set: 1m.", CONFIG_NOT_HASHED},
    {"feed.live[].format", CONFIG_TEXT, LINK(format), NULL, NULL, NULL, NULL,
     "Upbit: DEFAULT, SIMPLE, JSON_LIST or SIMPLE_LIST. Not set: SIMPLE.", CONFIG_NOT_HASHED},
    {"feed.live[].poll", CONFIG_DURATION, LINK(poll), "0s", "1h", "0s", NULL,
     "Ask for books by requests every so often instead of listening: a comparison, not for trading. 0s: listen.",
     CONFIG_NOT_HASHED},
    {"feed.live[].stale", CONFIG_DURATION, LINK(stale), "0s", "1d", "0s", NULL,
     "A book that was not heard of for so long is stale. 0s: 10 s.", CONFIG_NOT_HASHED},
    {"feed.live[].silence", CONFIG_DURATION, LINK(silence), "0s", "1d", "0s", NULL,
     "A connection over which nothing came for so long is dead. 0s: the venue's adapter knows.", CONFIG_NOT_HASHED},
    {"feed.live[].renew", CONFIG_DURATION, LINK(renew), "0s", "1d", "0s", NULL,
     "A connection is replaced after so long, without a gap. 0s: 23 h 30 min.", CONFIG_NOT_HASHED},

    {"instruments", CONFIG_INSTRUMENTS, AT(instruments), NULL, NULL, NULL, NULL,
     "Overrides of what the tapes say about instruments, by symbol.", 0},
    {"instruments[].symbol", CONFIG_TEXT, ITEM(symbol), NULL, NULL, NULL, NULL,
     "The instrument, as the venue writes it: BTCUSDT, KRW-BTC.", CONFIG_REQUIRED},
    {"instruments[].venue", CONFIG_TEXT, ITEM(venue), NULL, NULL, NULL, NULL,
     "Only on this venue: binance-usdm, upbit. Not set: on every venue that has the symbol.", 0},
    {"instruments[].maker_fee", CONFIG_RATE, ITEM(maker_fee), "-0.1", "0.1", NULL, NULL,
     "Fee rate of resting fills; negative: a rebate.", 0},
    {"instruments[].taker_fee", CONFIG_RATE, ITEM(taker_fee), "-0.1", "0.1", NULL, NULL,
     "Fee rate of fills that take.", 0},
    {"instruments[].tick", CONFIG_DECIMAL, ITEM(tick), "0.000000000000000001", NULL, NULL, NULL,
     "Price step of orders, in place of the tape's tick tables.", 0},
    {"instruments[].lot", CONFIG_DECIMAL, ITEM(lot), "0.000000000000000001", NULL, NULL, NULL,
     "Quantity step of orders.", 0},
    {"instruments[].qty_min", CONFIG_DECIMAL, ITEM(qty_min), "0", NULL, NULL, NULL, "Smallest order quantity.", 0},
    {"instruments[].notional_min", CONFIG_DECIMAL, ITEM(notional_min), "0", NULL, NULL, NULL,
     "Smallest order value, price x quantity.", 0},
    {"instruments[].impact_volatility", CONFIG_DECIMAL, ITEM(impact_volatility), "0.000000001", "10", NULL, NULL,
     "In place of venue.impact.volatility.", 0},
    {"instruments[].impact_volume", CONFIG_DECIMAL, ITEM(impact_volume), "0.000000000000000001", NULL, NULL, NULL,
     "In place of venue.impact.volume.", 0},
    {"instruments[].leverage", CONFIG_DECIMAL, ITEM(leverage), "0.01", "1000", NULL, NULL,
     "In place of venue.margin.leverage.", 0},

    {"venue", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "The simulated venue.", 0},
    {"venue.latency", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "How long messages are under way.", 0},
    {"venue.latency.model", CONFIG_CHOICE, AT(venue.latency.model), NULL, NULL, "constant",
     "constant|lognormal|empirical|interpolated",
     "constant: always the same; lognormal: drawn; empirical: drawn from measured ones; interpolated: as measured, "
     "at "
     "the times of the measurement. See docs/latency.md.",
     0},
    {"venue.latency.entry", CONFIG_DURATION, AT(venue.latency.entry.delay), "0s", "1h", "2ms", NULL,
     "From the strategy's order to the venue. Of model lognormal: the median.", 0},
    {"venue.latency.entry_min", CONFIG_DURATION, AT(venue.latency.entry.min), "0s", "1h", "0s", NULL,
     "Model lognormal: the least latency, at most the median.", 0},
    {"venue.latency.entry_sigma", CONFIG_DECIMAL, AT(venue.latency.entry.sigma), "0", "4", NULL, NULL,
     "Model lognormal: standard deviation of the logarithm of what comes on top of the least latency.", 0},
    {"venue.latency.entry_burst", CONFIG_DURATION, AT(venue.latency.entry.burst), "0s", "1d", "0s", NULL,
     "Models lognormal and empirical: how long slow and fast spells last (correlation 1/e); 0s: none.", 0},
    {"venue.latency.response", CONFIG_DURATION, AT(venue.latency.response.delay), "0s", "1h", "2ms", NULL,
     "From the venue's answer back to the strategy. Of model lognormal: the median.", 0},
    {"venue.latency.response_min", CONFIG_DURATION, AT(venue.latency.response.min), "0s", "1h", "0s", NULL,
     "Model lognormal: the least latency, at most the median.", 0},
    {"venue.latency.response_sigma", CONFIG_DECIMAL, AT(venue.latency.response.sigma), "0", "4", NULL, NULL,
     "Model lognormal: standard deviation of the logarithm of what comes on top of the least latency.", 0},
    {"venue.latency.response_burst", CONFIG_DURATION, AT(venue.latency.response.burst), "0s", "1d", "0s", NULL,
     "Models lognormal and empirical: how long slow and fast spells last (correlation 1/e); 0s: none.", 0},
    {"venue.latency.file", CONFIG_PATH, AT(venue.latency.file), NULL, NULL, NULL, NULL,
     "Models empirical and interpolated: CSV of measured requests: req,exch,resp in ns. Its rows are part of the "
     "config hash.",
     CONFIG_NOT_HASHED},
    {"venue.fees", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "Fees of all instruments, in place of the tape's.", 0},
    {"venue.fees.maker", CONFIG_RATE, AT(venue.maker_fee), "-0.1", "0.1", NULL, NULL,
     "Fee rate of resting fills; negative: a rebate. Not set: the instrument's own.", 0},
    {"venue.fees.taker", CONFIG_RATE, AT(venue.taker_fee), "-0.1", "0.1", NULL, NULL,
     "Fee rate of fills that take. Not set: the instrument's own.", 0},
    {"venue.fees.spot", CONFIG_CHOICE, AT(venue.spot_fee), NULL, NULL, "quote", "quote|received",
     "What spot fees are taken from: quote (Upbit), or what the fill brings, which of a buy is the base (Binance "
     "spot).",
     0},
    {"venue.queue", CONFIG_CHOICE, AT(venue.queue.kind), NULL, NULL, "pessimistic",
     "pessimistic|optimistic|proportional|power|power2|power3|log|log2|l3_fifo",
     "Where the cancels of others stood: pessimistic, behind a resting order; optimistic, ahead of it; the others in "
     "between by its place; l3_fifo: where the tape's order-by-order events say (docs/fills.md).",
     0},
    {"venue.trade_through", CONFIG_CHOICE, AT(venue.trade_through), NULL, NULL, "whole", "whole|by_quantity",
     "What a trade at a worse price than a resting order's fills of it: all, or as much as was traded "
     "(docs/fills.md).",
     0},
    {"venue.queue_exponent", CONFIG_DECIMAL, AT(venue.queue_exponent), "0.25", "8", NULL, NULL,
     "n of the power queue models, in steps of 0.25; they need it, the others have none.", 0},
    {"venue.bracket", CONFIG_BOOL, AT(venue.bracket), NULL, NULL, "false", NULL,
     "Run the pessimistic and the optimistic queue model in lockstep with the run's own, and report the profit as an "
     "interval. Never changes the run itself.",
     CONFIG_NOT_HASHED},
    {"venue.impact", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "How what we take makes the market's prices worse for what we take next (docs/fills.md).", 0},
    {"venue.impact.coefficient", CONFIG_DECIMAL, AT(venue.impact.coefficient), "0.000000001", "100", NULL, NULL,
     "Y: impact = Y x volatility x (quantity / volume)^exponent; 0.5 to 1 is usual. Not set: no impact.", 0},
    {"venue.impact.exponent", CONFIG_DECIMAL, AT(venue.impact.exponent), "0.01", "1", "0.5", NULL,
     "0.5 is the square-root law.", 0},
    {"venue.impact.volatility", CONFIG_DECIMAL, AT(venue.impact.volatility), "0.000000001", "10", NULL, NULL,
     "Standard deviation of a day's return: 0.03 is 3 %.", 0},
    {"venue.impact.volume", CONFIG_DECIMAL, AT(venue.impact.volume), "0.000000000000000001", NULL, NULL, NULL,
     "Quantity that is traded in a day, in units of orders.", 0},
    {"venue.impact.half_life", CONFIG_DURATION, AT(venue.impact.half_life), "1us", "1d", "10s", NULL,
     "After this long half of an impact is gone; of several terms: of the fastest.", 0},
    {"venue.impact.terms", CONFIG_U32, AT(venue.impact.terms), "1", "8", "1", NULL,
     "Exponentials that the decay is made of, each four times as slow as the one before.", 0},
    {"venue.impact.decay", CONFIG_DECIMAL, AT(venue.impact.decay), "0", "1", "0.5", NULL,
     "With several terms: exponent of the power law that they come close to.", 0},
    {"venue.rules", CONFIG_CHOICE, AT(venue.rules), NULL, NULL, "venue", "venue|tape|none",
     "What the venue refuses: venue, what it refused at that date, with its own codes and request limits, as far as "
     "known (docs/venues.md); tape, only what the tape says of the instrument; none, nothing but prices and "
     "quantities "
     "that are not positive.",
     0},
    {"venue.faults", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "What goes wrong at the venue and on the way (docs/faults.md). Nothing unless set.", 0},
    {"venue.faults.outages", CONFIG_TEXT, AT(venue.faults.windows[FAULT_OUTAGE].list), NULL, NULL, NULL, NULL,
     "Outages of the venue at fixed times: BEGIN/LENGTH, BEGIN/LENGTH ...", 0},
    {"venue.faults.outage_every", CONFIG_DURATION, AT(venue.faults.windows[FAULT_OUTAGE].every), "0s", "3660d", "0s",
     NULL, "Outages of the venue at random: one in each stretch of this length; 0s: none.", 0},
    {"venue.faults.outage_length", CONFIG_DURATION, AT(venue.faults.windows[FAULT_OUTAGE].length), "0s", "915d", "0s",
     NULL, "How long an outage lasts in the mean; at most a quarter of outage_every.", 0},
    {"venue.faults.outage_requests", CONFIG_CHOICE, AT(venue.faults.outage_requests), NULL, NULL, "refused",
     "refused|unanswered", "What becomes of requests in an outage: refused at once, or lost.", 0},
    {"venue.faults.outage_market", CONFIG_CHOICE, AT(venue.faults.outage_market), NULL, NULL, "continues",
     "continues|stops",
     "continues: an outage of the order entry only; stops: nothing fills, and no market data come.", 0},
    {"venue.faults.line_cuts", CONFIG_TEXT, AT(venue.faults.windows[FAULT_LINE].list), NULL, NULL, NULL, NULL,
     "Cuts of the line that brings market data at fixed times: BEGIN/LENGTH, BEGIN/LENGTH ...", 0},
    {"venue.faults.line_cut_every", CONFIG_DURATION, AT(venue.faults.windows[FAULT_LINE].every), "0s", "3660d", "0s",
     NULL, "Cuts of the line that brings market data at random: one in each stretch of this length; 0s: none.", 0},
    {"venue.faults.line_cut_length", CONFIG_DURATION, AT(venue.faults.windows[FAULT_LINE].length), "0s", "915d", "0s",
     NULL, "How long a cut lasts in the mean; at most a quarter of line_cut_every.", 0},
    {"venue.faults.channel_cuts", CONFIG_TEXT, AT(venue.faults.windows[FAULT_CHANNEL].list), NULL, NULL, NULL, NULL,
     "Cuts of the channel that brings answers at fixed times: BEGIN/LENGTH, BEGIN/LENGTH ...", 0},
    {"venue.faults.channel_cut_every", CONFIG_DURATION, AT(venue.faults.windows[FAULT_CHANNEL].every), "0s", "3660d",
     "0s", NULL, "Cuts of the channel that brings answers at random: one in each stretch of this length; 0s: none.",
     0},
    {"venue.faults.channel_cut_length", CONFIG_DURATION, AT(venue.faults.windows[FAULT_CHANNEL].length), "0s", "915d",
     "0s", NULL, "How long a cut lasts in the mean; at most a quarter of channel_cut_every.", 0},
    {"venue.faults.request_loss", CONFIG_DECIMAL, AT(venue.faults.request_loss), "0", "1", "0", NULL,
     "Chance that a request is lost on the way.", 0},
    {"venue.faults.answer_loss", CONFIG_DECIMAL, AT(venue.faults.answer_loss), "0", "1", "0", NULL,
     "Chance that an answer is lost, and learned only by asking.", 0},
    {"venue.faults.answer_late", CONFIG_DECIMAL, AT(venue.faults.answer_late), "0", "1", "0", NULL,
     "Chance that an answer takes longer than its latency.", 0},
    {"venue.faults.answer_delay", CONFIG_DURATION, AT(venue.faults.answer_delay), "0s", "1h", "0s", NULL,
     "By how much in the mean (exponential).", 0},
    {"venue.faults.timeout", CONFIG_DURATION, AT(venue.faults.timeout), "1ns", "1d", "5s", NULL,
     "How long after a lost request was sent its failure is known.", 0},
    {"venue.faults.query", CONFIG_DURATION, AT(venue.faults.query), "1ns", "1d", "2s", NULL,
     "How long after a lost answer should have come it is learned by asking.", 0},
    {"venue.self_trade", CONFIG_CHOICE, AT(venue.self_trade), NULL, NULL, "reject",
     "reject|none|expire_taker|expire_maker|expire_both|decrement",
     "When an order would trade with one of ours: reject it whole; none, let them trade; or end one, both, or take "
     "the smaller rest off both. An order may name its own (docs/fills.md).",
     0},
    {"venue.order_types", CONFIG_CHOICE, AT(venue.order_types), NULL, NULL, "all", "all|venue",
     "all: the simulated venue takes every type of order; venue: it rejects what the instrument's own venue does not "
     "have (docs/fills.md).",
     0},
    {"venue.margin", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "What has to stand behind contracts (docs/margin.md).", 0},
    {"venue.margin.mode", CONFIG_CHOICE, AT(venue.margin.mode), NULL, NULL, "off", "off|cross|isolated",
     "off: contracts need no money and are never liquidated; cross: the whole balance of the settle currency stands "
     "behind all of them; isolated: behind each position what was set aside for it.",
     0},
    {"venue.margin.leverage", CONFIG_DECIMAL, AT(venue.margin.leverage), "0.01", "1000", "1", NULL,
     "Initial margin is the value divided by it.", 0},
    {"venue.margin.tiers", CONFIG_PATH, AT(venue.margin.tiers), NULL, NULL, NULL, NULL,
     "Maintenance rates by size of the position: the JSON of Binance's leverageBracket, or CSV. Its bytes are part "
     "of "
     "the config hash.",
     CONFIG_NOT_HASHED},
    {"venue.margin.maintenance", CONFIG_RATE, AT(venue.margin.maintenance), "0.000000001", "0.5", NULL, NULL,
     "Maintenance rate of contracts that the file of tiers does not have, whatever their size.", 0},
    {"venue.margin.liquidation_fee", CONFIG_RATE, AT(venue.margin.liquidation_fee), "0", "0.1", NULL, NULL,
     "Fee rate of liquidation fills, in place of the taker's; it goes to the insurance fund. Margin needs it.", 0},
    {"venue.margin.after_liquidation", CONFIG_CHOICE, AT(venue.margin.after_liquidation), NULL, NULL, "continue",
     "continue|close", "continue: with what is left; close: every later order of these contracts is rejected.", 0},
    {"venue.funding", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "Payments between longs and shorts of perpetual contracts (docs/margin.md).", 0},
    {"venue.funding.source", CONFIG_CHOICE, AT(venue.funding.source), NULL, NULL, "tape", "off|tape|file",
     "tape: the rates and times that the tape's mark prices tell; file: those of a file; off: none are paid.", 0},
    {"venue.funding.file", CONFIG_PATH, AT(venue.funding.file), NULL, NULL, NULL, NULL,
     "CSV of funding: ts,rate and, if wanted, symbol and mark. Its bytes are part of the config hash.",
     CONFIG_NOT_HASHED},
    {"venue.check_funds", CONFIG_BOOL, AT(venue.check_funds), NULL, NULL, "false", NULL,
     "Reject spot orders that the balances do not cover.", 0},

    {"account", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "What the run starts with.", 0},
    {"account.balances", CONFIG_BALANCES, AT(balances), "0", NULL, NULL, NULL, "Start balances, currency: amount.",
     0},

    {"risk", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL,
     "Limits that every order passes before it leaves. Not set or 0: no limit.", 0},
    {"risk.order_notional_max", CONFIG_MONEY, AT(risk.order_notional_max), "0", NULL, NULL, NULL,
     "Largest value of one order, in the currency that the instrument settles in.", 0},
    {"risk.position_max", CONFIG_DECIMAL, AT(risk.position_max), "0", NULL, NULL, NULL,
     "Largest position of an instrument, long or short, open orders included.", 0},
    {"risk.open_orders_max", CONFIG_U32, AT(risk.open_orders_max), "0", "1000000", "0", NULL,
     "Most open orders of an instrument at once.", 0},
    {"risk.orders_per_second_max", CONFIG_U32, AT(risk.orders_per_second_max), "0", "100000", "0", NULL,
     "Most orders in any second.", 0},
    {"risk.price_collar_bp", CONFIG_U32, AT(risk.price_collar_bp), "0", "10000", "0", NULL,
     "How far beyond the opposite touch a limit price may lie, in 1/10,000.", 0},
    {"risk.daily_loss_max", CONFIG_MONEY, AT(risk.daily_loss_max), "0", NULL, NULL, NULL,
     "Largest loss since 00:00 UTC; then the kill switch refuses every order.", 0},
    {"risk.kill_reset_daily", CONFIG_BOOL, AT(risk.kill_reset_daily), NULL, NULL, "false", NULL,
     "The next UTC day clears the kill switch.", 0},
    {"risk.stale_books", CONFIG_CHOICE, AT(risk.stale_books), NULL, NULL, "refuse", "refuse|allow",
     "refuse: no order and no amendment while the instrument's book is stale (before its first snapshot, after data "
     "were "
     "missed); cancels go through. allow: the venue decides.",
     0},

    {"strategy", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "What trades: exactly one of name, plugin.", 0},
    {"strategy.name", CONFIG_TEXT, AT(strategy_source.name), NULL, NULL, NULL, NULL,
     "A strategy of this program; see 'tapedeck strategy list'.", 0},
    {"strategy.plugin", CONFIG_PATH, AT(strategy_source.plugin), NULL, NULL, NULL, NULL,
     "A shared object with a strategy in it; see 'tapedeck strategy new'.", CONFIG_NOT_HASHED},
    {"strategy.params", CONFIG_PARAMS, 0, NULL, NULL, NULL, NULL,
     "The strategy's own parameters; see 'tapedeck strategy show NAME'.", 0},

    {"output", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "What the run leaves behind.", 0},
    {"output.dir", CONFIG_TEXT, AT(output.dir), NULL, NULL, "runs", NULL,
     "Folder of run directories, from where the program is started. --out names one run's directory.",
     CONFIG_NOT_HASHED},
    {"output.equity_interval", CONFIG_DURATION, AT(output.equity_interval), "0s", "3660d", "1s", NULL,
     "Distance of the points of equity.csv, aligned to UTC; 0s: none.", 0},
    {"output.snapshots", CONFIG_CHOICE, AT(output.snapshots), NULL, NULL, "off", "off|on",
     "Leave snapshots of the state behind, for looking at any moment of the run later (docs/state.md). Never changes "
     "a "
     "result.",
     CONFIG_NOT_HASHED},
    {"output.snapshot_interval", CONFIG_DURATION, AT(output.snapshot_interval), "1s", "3660d", "10m", NULL,
     "Engine time between two of them.", CONFIG_NOT_HASHED},
    {"output.log_level", CONFIG_CHOICE, AT(output.log_level), NULL, NULL, "info", "debug|info|warn|error",
     "Least important line that log.txt keeps.", CONFIG_NOT_HASHED},

    {"session", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "The sockets of a live session.", CONFIG_NOT_HASHED},
    {"session.ca_file", CONFIG_PATH, AT(session.ca_file), NULL, NULL, NULL, NULL,
     "Certificates to trust in place of the system's. Not set: the system's, or the environment's SSL_CERT_FILE.",
     CONFIG_NOT_HASHED | CONFIG_SOCKETS},
    {"session.proxy", CONFIG_TEXT, AT(session.proxy), NULL, NULL, NULL, NULL,
     "HTTP proxy of WebSockets, host:port. Not set: https_proxy of the environment, which requests always take.",
     CONFIG_NOT_HASHED},
    {"session.io", CONFIG_CHOICE, AT(session.io), NULL, NULL, "thread", "thread|inline",
     "thread: sockets have a thread of their own. inline: the engine's thread reads them when it is idle; quicker where "
     "cores are few, but names are looked up and frames stamped when it gets to it.",
     CONFIG_NOT_HASHED},
    {"session.spin", CONFIG_DURATION, AT(session.spin), "0s", "1h", "100us", NULL,
     "How long the engine's thread looks for input before it sleeps. Longer: quicker reactions, a busier core.",
     CONFIG_NOT_HASHED},
    {"session.tick", CONFIG_DURATION, AT(session.tick), "1ms", "1m", "1s", NULL,
     "When nothing arrives and nothing is due, time is told so often.", CONFIG_NOT_HASHED},
    {"session.ring", CONFIG_POWER2, AT(session.ring), "1048576", "1073741824", "33554432", NULL,
     "Bytes between the sockets and the engine; when they are full, messages are dropped and books go stale.",
     CONFIG_NOT_HASHED},
    {"session.health", CONFIG_U32, AT(session.health), "0", "65535", "0", NULL,
     "TCP port on this machine that answers HTTP with the session's status: 200, or 503 when it has not moved for "
     "ten "
     "seconds. 0: none.",
     CONFIG_NOT_HASHED},

    {"engine", CONFIG_SECTION, 0, NULL, NULL, NULL, NULL, "Capacities, allocated once before the first event.", 0},
    {"engine.book_window", CONFIG_POWER2, AT(engine.book_window), "4096", "1048576", "131072", NULL,
     "Ticks around the touch that a book keeps in its fast part.", 0},
    {"engine.book_far", CONFIG_U32, AT(engine.book_far), "16", "1048576", "16384", NULL,
     "Levels a side that a book keeps outside of it.", 0},
    {"engine.l3_orders", CONFIG_U32, AT(engine.l3_orders), "16", "16777216", "65536", NULL,
     "Single orders of an instrument's level-3 book. With more, its orders are lost, as by a gap.", 0},
    {"engine.order_capacity", CONFIG_POWER2, AT(engine.order_capacity), "16", "1048576", "4096", NULL,
     "Orders kept: open ones and the recent past.", 0},
    {"engine.timer_capacity", CONFIG_U32, AT(engine.timer_capacity), "1", "1048576", "1024", NULL,
     "Timers set at once.", 0},
    {"engine.checks", CONFIG_CHOICE, AT(engine.checks), NULL, NULL, "cheap", "cheap|all",
     "Invariants looked at while it runs: cheap, now and then; all, more often, and whole books. What does not hold "
     "ends "
     "the run (docs/evidence.md). Never changes a result.",
     CONFIG_NOT_HASHED},
};
const size_t config_key_count = ARRAY_LEN(config_keys);

bool config_type_is_section(enum config_type type)
{
    return type == CONFIG_SECTION || type == CONFIG_SECTION_OPTIONAL;
}

static bool is_child(const struct config_key *key, const char *prefix, size_t prefix_size)
{
    if (strncmp(key->path, prefix, prefix_size) != 0 || key->path[prefix_size] == '\0')
        return false;
    return strcspn(key->path + prefix_size, ".[") == strlen(key->path + prefix_size);
}

const struct config_key *config_key_next(const char *prefix, const struct config_key *previous)
{
    size_t prefix_size = strlen(prefix);
    const struct config_key *key = previous == NULL ? config_keys : previous + 1;
    for (; key < config_keys + config_key_count; key++) {
        if (is_child(key, prefix, prefix_size))
            return key;
    }
    return NULL;
}

const struct config_key *config_key_find(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    }
    return NULL;
}

const char *config_key_name(const struct config_key *key)
{
    const char *point = strrchr(key->path, '.');
    return point != NULL ? point + 1 : key->path;
}
