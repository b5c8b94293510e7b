/* order_request.h: which requests make sense anywhere, and what an amount of money buys.
 *
 *               quantity   funds          price   tif                  post-only   expire_ts
 *   LIMIT       yes        no             yes     GTC IOC FOK GTD      yes         with GTD, and only then
 *   MARKET      yes        or: spot buys  no      GTC* IOC FOK         no**        no
 *   BEST        yes        or: spot buys  no      IOC FOK              no          no
 *
 *   *  a market order never rests; GTC is taken as IOC      **  accepted, and rejected by the venue
 *
 * Whether the venue has the order, and whether its numbers fit the instrument, is the venue's to say
 * (sim/order_rules.h and its checks at the door); here is only what no venue could make sense of.
 *
 * An order by funds spends an amount of the quote currency, fees on top: 6,000 KRW at 160,594,000 buy 0.00003736 BTC
 * for 5,999.79184, and the 0.20816 left over buy less than one step of 0.00000001.
 */
#ifndef TAPEDECK_CORE_ORDER_REQUEST_H
#define TAPEDECK_CORE_ORDER_REQUEST_H

#include "core/account.h"
#include "core/order.h"

#ifdef __cplusplus
extern "C" {
#endif

/* False: no venue could make sense of it. `instrument` is the one that the request names. */
bool order_request_is_sound(const struct order_request *request, const struct instrument *instrument);
/* The most whole lots that `funds` (at MONEY_DECIMALS of the quote) buy at `price`, fees not counted; 0: not one, or
 * a price without a value. At most INT64_MAX, rounded down to the lot. */
qty_t order_request_affords(const struct instrument *instrument, money_t funds, px_t price);

#ifdef __cplusplus
}
#endif
#endif
