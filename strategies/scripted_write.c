/* outcomes.csv: a line an order, in the order of the script. */
#include "strategies/scripted_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AVG_DECIMALS 8 /* of an average price, beyond those of the instrument's prices */

/* The text of the line being made. */
struct writer {
    char *text;
    size_t used, size;
};

static void put(struct writer *writer, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put(struct writer *writer, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int wrote = vsnprintf(writer->text + writer->used, writer->size - writer->used, fmt, args);
    va_end(args);
    ASSERT(wrote >= 0 &&
           (size_t)wrote < writer->size - writer->used); /* SCRIPT_FILL_TEXT and SCRIPT_LINE_TEXT are enough */
    writer->used += (size_t)wrote;
}

static void put_decimal(struct writer *writer, money_t value, unsigned decimals)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, decimals, 0);
    put(writer, "%s", text);
}

/* A stamp, or nothing. */
static void put_stamp(struct writer *writer, ns_t ts)
{
    if (ts == 0)
        put(writer, ",");
    else
        put(writer, ",%" PRId64, ts);
}

/* cost / filled, exact to AVG_DECIMALS more than a price has, then half to even: whole units first, so that the
 * numbers of the second division stay small whatever the cost is. */
static money_t average(const struct scripted_row *row)
{
    const money_t whole = row->cost / row->filled, rest = row->cost % row->filled;
    return whole * decimal_pow10(AVG_DECIMALS) +
           money_divide(rest * decimal_pow10(AVG_DECIMALS), row->filled, ROUND_HALF_EVEN);
}

static void put_fills(struct writer *writer, const struct scripted *scripted, const struct scripted_row *row,
                      const struct instrument *instrument)
{
    uint32_t number = row->fill_first;
    for (uint32_t i = 0; i < row->fill_kept; i++, number = scripted->fills[number].next) {
        const struct script_fill *fill = &scripted->fills[number];
        put(writer, "%s", i == 0 ? "" : "|");
        put_decimal(writer, fill->price, instrument->price_decimals);
        put(writer, ":");
        put_decimal(writer, fill->qty, instrument->qty_decimals);
        put(writer, ":%" PRId64 ":%" PRId64 ":%u", fill->venue_ts, fill->ts, fill->maker);
    }
    if (row->fill_kept < row->fill_count)
        put(writer, "%s+%u", row->fill_kept != 0 ? "|" : "", row->fill_count - row->fill_kept);
}

/* filled,avg_price,maker,fills,fee,fee_currency */
static void put_filled(struct writer *writer, const struct scripted *scripted, const struct scripted_row *row,
                       const struct instrument *instrument)
{
    put_decimal(writer, row->filled, instrument->qty_decimals);
    if (row->filled == 0) {
        put(writer, ",,0,,0,");
        return;
    }
    put(writer, ",");
    put_decimal(writer, average(row), instrument->price_decimals + (unsigned)AVG_DECIMALS);
    put(writer, ",");
    put_decimal(writer, row->maker_filled, instrument->qty_decimals);
    put(writer, ",");
    put_fills(writer, scripted, row, instrument);
    put(writer, ",");
    if (row->fee_split) {
        put(writer, ",several"); /* amounts of two currencies have no sum; fills.csv has each */
        return;
    }
    put_decimal(writer, row->fee, row->fee_decimals);
    put(writer, ",%.*s", (int)sizeof(row->fee_currency), row->fee_currency);
}

static void put_reason(struct writer *writer, const struct scripted_row *row)
{
    static const char *const unsent[] = {[SCRIPTED_NO_DATA] = "NO_DATA",
                                         [SCRIPTED_BEFORE_DATA] = "BEFORE_DATA",
                                         [SCRIPTED_AFTER_DATA] = "AFTER_DATA",
                                         [SCRIPTED_TABLE_FULL] = "TABLE_FULL"};
    if (row->status == SCRIPTED_NOT_SENT)
        put(writer, ",%s,", unsent[row->unsent]);
    else
        put(writer, ",%s,", row->reason == REASON_NONE ? "" : reason_name((enum reason)row->reason));
    if (row->venue_code != 0)
        put(writer, "%d", row->venue_code);
}

/* What was asked for, in the words of the script. */
static void put_request(struct writer *writer, const struct scripted_row *row, const struct instrument *instrument)
{
    const bool post = (row->flags & ORDER_POST_ONLY) != 0 && row->tif == TIF_GTC;
    put(writer, ",%s,%" PRId64 ",%s,", instrument->symbol, row->submit_ts, side_name((enum side)row->side));
    if (row->type == ORDER_LIMIT)
        put_decimal(writer, row->price, instrument->price_decimals);
    put(writer, ",");
    put_decimal(writer, row->qty, instrument->qty_decimals);
    put(writer, ",%s,%s", order_type_name((enum order_type)row->type),
        post ? "gtx" : tif_name((enum time_in_force)row->tif));
    put_stamp(writer, row->cancel_ts == SCRIPT_NEVER ? 0 : row->cancel_ts);
    put(writer, ",%s,", (row->flags & ORDER_REDUCE_ONLY) != 0 ? "true" : "false");
    if (row->order_id != 0)
        put(writer, "%" PRIu64, row->order_id);
}

void scripted_write_row(struct strategy_ctx *ctx, struct scripted *scripted, const struct scripted_row *row)
{
    static const char *const statuses[] = {
        [SCRIPTED_NOT_SENT] = "not_sent", [SCRIPTED_PENDING] = "pending",     [SCRIPTED_OPEN] = "open",
        [SCRIPTED_FILLED] = "filled",     [SCRIPTED_CANCELLED] = "cancelled", [SCRIPTED_EXPIRED] = "expired",
        [SCRIPTED_REJECTED] = "rejected"};
    struct writer writer = {.text = scripted->text, .size = scripted->text_size};
    const struct instrument *instrument = strategy_instrument(ctx, row->instrument);
    put(&writer, "%.*s,%s,", row->id_size, row->id, statuses[row->status]);
    put_filled(&writer, scripted, row, instrument);
    put_reason(&writer, row);
    put_stamp(&writer, row->ack_venue_ts);
    put_stamp(&writer, row->ack_ts);
    put_stamp(&writer, row->first_fill_ts);
    put_stamp(&writer, row->done_venue_ts);
    put_stamp(&writer, row->done_ts);
    put(&writer, ",");
    if (row->shown >= 0 && row->status != SCRIPTED_NOT_SENT)
        put_decimal(&writer, row->shown, instrument->qty_decimals);
    put_request(&writer, row, instrument);
    const err_t err = strategy_write(ctx, SCRIPT_OUTCOMES, writer.text);
    ASSERT(err == ERR_OK); /* a good name, and ids have no line ends */
}

void scripted_write_head(struct strategy_ctx *ctx)
{
    const err_t err =
        strategy_write(ctx, SCRIPT_OUTCOMES,
                       "order_id,status,filled,avg_price,maker,fills,fee,fee_currency,reason,venue_code,"
                       "ack_venue_ts,ack_ts,first_fill_ts,done_venue_ts,done_ts,shown,symbol,submit_ts,"
                       "side,price,qty,type,tif,cancel_ts,reduce_only,run_order_id");
    ASSERT(err == ERR_OK);
}
