/* scan.c: the texts of prices and quantities in Upbit's messages, for whoever chooses the decimals. */
#include "adapters/upbit/frame.h"

struct scan {
    market_found_fn found;
    void *context;
    struct market_texts texts;
};

static bool is_text(const struct json_value *value)
{
    return (value->kind == JSON_STRING || value->kind == JSON_NUMBER) && value->size > 0;
}

/* A price, a quantity, or both; what is absent or of another type is left to `frame` to complain about. */
static err_t scan_values(struct scan *scan, const struct json_value *price, const struct json_value *qty)
{
    bool has_price = is_text(price), has_qty = qty != NULL && is_text(qty);
    if (!has_price && !has_qty)
        return ERR_OK;
    scan->texts.price = has_price ? price->text : NULL;
    scan->texts.price_size = has_price ? price->size : 0;
    scan->texts.qty = has_qty ? qty->text : NULL;
    scan->texts.qty_size = has_qty ? qty->size : 0;
    return scan->found(scan->context, &scan->texts);
}

static err_t scan_unit(void *context, const struct json_value *values, struct err_text *why)
{
    (void)why;
    err_t err = scan_values(context, upbit_value(values, U_BID_PRICE), upbit_value(values, U_BID_SIZE));
    return err != ERR_OK ? err
                         : scan_values(context, upbit_value(values, U_ASK_PRICE), upbit_value(values, U_ASK_SIZE));
}

static err_t scan_message(struct upbit *upbit, const struct frame *frame, void *context, struct err_text *why)
{
    static const enum upbit_field prices[] = {F_OPEN, F_HIGH, F_LOW};
    (void)frame;
    struct scan *scan = context;
    char symbol[SYMBOL_SIZE];
    enum upbit_kind kind;
    err_t err = upbit_kind_of(upbit, &kind, why);
    if (err != ERR_OK || kind == UPBIT_OTHER)
        return err;
    err = machine_symbol_text(upbit_code(upbit), "code", symbol, &scan->texts.symbol_size, why);
    if (err != ERR_OK)
        return err;
    scan->texts.symbol = symbol;
    if (kind == UPBIT_BOOK) {
        const struct json_value *units = upbit_field(upbit, F_UNITS);
        if (units->kind != JSON_ARRAY)
            return err_say(why, ERR_SYNTAX, "\"orderbook_units\": expected an array");
        return json_rows(upbit->machine.json, units->text, units->size, &upbit->unit_shape, upbit->unit, scan_unit,
                         scan, why);
    }
    /* A ticker's and a candle's volumes are rounded: only their prices count. */
    err = scan_values(scan, upbit_field(upbit, F_PRICE), kind == UPBIT_TRADE ? upbit_field(upbit, F_QTY) : NULL);
    for (size_t i = 0; kind != UPBIT_TRADE && i < ARRAY_LEN(prices) && err == ERR_OK; i++)
        err = scan_values(scan, upbit_field(upbit, prices[i]), NULL);
    return err;
}

err_t upbit_scan(struct market *market, const struct frame *frame, market_found_fn found, void *context,
                 struct err_text *why)
{
    struct scan scan = {.found = found, .context = context};
    return upbit_messages((struct upbit *)market, frame, scan_message, &scan, 1, why);
}
