#include "sim/impact.h"

#include "sim/queue_model.h"

#include <inttypes.h>

#define Q48       48
#define Q32_ONE   (INT64_C(1) << 32)
#define TICKS_CUT (IMPACT_TICKS_MAX << 32)

static err_t check(const struct impact_config *config, struct err_text *why)
{
    if (config->coefficient <= 0 || config->coefficient > IMPACT_COEFFICIENT_MAX)
        return err_say(why, ERR_RANGE, "coefficient: more than 0, at most 100, not %" PRId64 " x 10^-9",
                       config->coefficient);
    if (config->exponent <= 0 || config->exponent > IMPACT_UNIT)
        return err_say(why, ERR_RANGE, "exponent: more than 0, at most 1, not %" PRId64 " x 10^-9", config->exponent);
    if (config->volatility <= 0 || config->volatility > IMPACT_VOLATILITY_MAX)
        return err_say(why, ERR_RANGE, "volatility: more than 0, at most 10, not %" PRId64 " x 10^-9",
                       config->volatility);
    if (config->volume <= 0)
        return err_say(why, ERR_RANGE, "volume: more than 0, not %" PRId64, config->volume);
    if (config->half_life <= 0 || config->half_life > IMPACT_HALF_LIFE_MAX)
        return err_say(why, ERR_RANGE, "half_life: more than 0, at most a day, not %" PRId64 " ns",
                       config->half_life);
    if (config->terms < 1 || config->terms > IMPACT_TERMS_MAX)
        return err_say(why, ERR_RANGE, "terms: 1 to %d, not %" PRIu32, IMPACT_TERMS_MAX, config->terms);
    if (config->decay < 0 || config->decay > IMPACT_UNIT)
        return err_say(why, ERR_RANGE, "decay: 0 to 1, not %" PRId64 " x 10^-9", config->decay);
    return ERR_OK;
}

/* 4^(-j decay), shared out so that the sum is exactly 1; what the divisions leave goes to the fastest. */
static void share_weights(struct impact_model *model, int64_t decay)
{
    uint64_t parts[IMPACT_TERMS_MAX], sum = 0, given = 0;
    for (uint32_t j = 0; j < model->terms; j++) {
        parts[j] = queue_exp2_neg((uint64_t)(((u128_t)(uint64_t)decay * 2 * j << Q48) / IMPACT_UNIT));
        sum += parts[j];
    }
    for (uint32_t j = 0; j < model->terms; j++) {
        model->weight[j] = (uint64_t)(((u128_t)parts[j] << 32) / sum);
        given += model->weight[j];
    }
    model->weight[0] += (uint64_t)Q32_ONE - given;
}

err_t impact_model_init(struct impact_model *model, const struct impact_config *config, struct err_text *why)
{
    err_t err = check(config, why);
    if (err != ERR_OK)
        return err;
    *model = (struct impact_model){
        .scale = (uint64_t)(((u128_t)(uint64_t)config->coefficient * (uint64_t)config->volatility << Q48) /
                            ((u128_t)IMPACT_UNIT * IMPACT_UNIT)),
        .volume_log = queue_log2((uint64_t)config->volume),
        .exponent = config->exponent,
        .terms = config->terms,
    };
    for (uint32_t j = 0; j < model->terms; j++)
        model->half_life[j] = config->half_life << (2 * j);
    share_weights(model, config->decay);
    return ERR_OK;
}

/* base x 2^(-y), or x 2^y when `up`, for y at 2^-48; base < 2^79. Cut at TICKS_CUT. */
static int64_t times_power(u128_t base, uint64_t y, bool up)
{
    unsigned shift = 0;
    if (up) { /* 2^y = 2^n 2^-(n - y), n the whole number at or above y */
        shift = (unsigned)((y + (UINT64_C(1) << Q48) - 1) >> Q48);
        y = ((uint64_t)shift << Q48) - y;
    }
    const u128_t down = (base * queue_exp2_neg(y)) >> Q48; /* below 2^79 */
    if (down != 0 && (shift >= 48 || down > ((u128_t)TICKS_CUT >> shift)))
        return TICKS_CUT;
    return (int64_t)(down << shift);
}

int64_t impact_of(const struct impact_model *model, int64_t price_ticks, qty_t qty)
{
    if (model->terms == 0 || qty <= 0 || price_ticks <= 0)
        return 0;
    const u128_t whole = ((u128_t)model->scale * (uint64_t)price_ticks) >> 16; /* of a day's volume, at 2^-32 */
    const uint64_t qty_log = queue_log2((uint64_t)qty);
    const bool up = qty_log > model->volume_log;
    const uint64_t apart = up ? qty_log - model->volume_log : model->volume_log - qty_log;
    const uint64_t power = (uint64_t)((u128_t)apart * (uint64_t)model->exponent / IMPACT_UNIT);
    const u128_t most = (u128_t)1 << 78;
    return times_power(whole < most ? whole : most, power, up);
}

static int64_t decayed(int64_t state, ns_t since, ns_t half_life)
{
    const u128_t halvings = ((u128_t)(uint64_t)since << Q48) / (uint64_t)half_life;
    if (halvings >= (u128_t)62 << Q48)
        return 0;
    const uint64_t size = (uint64_t)(state < 0 ? -state : state);
    const int64_t left = (int64_t)(((u128_t)size * queue_exp2_neg((uint64_t)halvings)) >> Q48);
    return state < 0 ? -left : left;
}

static ns_t since_take(const struct impact *impact, ns_t ts)
{
    ns_t since;
    ASSERT(ts >= impact->ts);
    return __builtin_sub_overflow(ts, impact->ts, &since) ? NS_MAX : since;
}

void impact_take(const struct impact_model *model, struct impact *impact, ns_t ts, enum side side,
                 int64_t price_ticks, qty_t qty)
{
    const int64_t more = impact_of(model, price_ticks, qty);
    if (more == 0)
        return;
    if (!impact->moved)
        impact->ts = ts;
    const ns_t since = since_take(impact, ts);
    for (uint32_t j = 0; j < model->terms; j++) {
        const int64_t part = (int64_t)(((u128_t)(uint64_t)more * model->weight[j]) >> 32);
        int64_t state = decayed(impact->state[j], since, model->half_life[j]) + side_sign(side) * part;
        state = state > TICKS_CUT ? TICKS_CUT : state < -TICKS_CUT ? -TICKS_CUT : state;
        impact->state[j] = state;
    }
    impact->ts = ts;
    impact->moved = true;
}

int64_t impact_at(const struct impact_model *model, const struct impact *impact, ns_t ts)
{
    int64_t sum = 0;
    if (!impact->moved)
        return 0;
    const ns_t since = since_take(impact, ts);
    for (uint32_t j = 0; j < model->terms; j++)
        sum += decayed(impact->state[j], since, model->half_life[j]);
    return sum;
}

int64_t impact_ticks_at(const struct impact_model *model, const struct impact *impact, ns_t ts)
{
    const int64_t at = impact_at(model, impact, ts);
    const int64_t size = ((at < 0 ? -at : at) + Q32_ONE / 2) >> 32;
    return at < 0 ? -size : size;
}
