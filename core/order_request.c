/* order_request.c: the table of the header, and one division. */
#include "core/order_request.h"

static bool tif_fits(const struct order_request *request)
{
    if ((request->tif == TIF_GTD) != (request->expire_ts != 0))
        return false;
    switch (request->type) {
    case ORDER_LIMIT:
        return request->tif <= TIF_GTD;
    case ORDER_MARKET:
        return request->tif <= TIF_FOK;
    case ORDER_BEST:
        return request->tif == TIF_IOC || request->tif == TIF_FOK;
    default:
        return false;
    }
}

static bool size_fits(const struct order_request *request, const struct instrument *instrument)
{
    if (request->funds == 0)
        return request->qty > 0;
    return request->funds > 0 && request->qty == 0 && request->side == SIDE_BUY && request->type != ORDER_LIMIT &&
           instrument->contract == CONTRACT_SPOT;
}

bool order_request_is_sound(const struct order_request *request, const struct instrument *instrument)
{
    const unsigned known = ORDER_POST_ONLY | ORDER_REDUCE_ONLY | ORDER_REMAINING;
    return request->side <= SIDE_SELL && (request->flags & ~known) == 0 && request->stp < STP_MODE_COUNT &&
           (request->type != ORDER_BEST || (request->flags & ORDER_POST_ONLY) == 0) && request->expire_ts >= 0 &&
           tif_fits(request) && size_fits(request, instrument);
}

qty_t order_request_affords(const struct instrument *instrument, money_t funds, px_t price)
{
    money_t lot;
    if (price <= 0 || funds <= 0 ||
        account_notional(instrument, price, instrument->lot, ROUND_CEIL, &lot) != ERR_OK || lot <= 0)
        return 0;
    const money_t lots = funds / lot, most = INT64_MAX / instrument->lot;
    return (qty_t)(lots < most ? lots : most) * instrument->lot;
}
