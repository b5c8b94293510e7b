#include "cli/latency_hist.h"

#define SUB ((uint64_t)1 << LATENCY_HIST_BITS)

static uint32_t bucket_of(uint64_t size)
{
    if (size >= (uint64_t)1 << LATENCY_HIST_TOP)
        return LATENCY_HIST_BUCKETS - 1;
    if (size < SUB)
        return (uint32_t)size;
    const unsigned octave = 63 - (unsigned)__builtin_clzll(size);
    const unsigned shift = octave - LATENCY_HIST_BITS;
    return (uint32_t)((shift + 1) * SUB + ((size >> shift) - SUB));
}

static ns_t middle_of(uint32_t bucket)
{
    if (bucket < SUB)
        return bucket;
    const unsigned shift = bucket / SUB - 1;
    return (ns_t)(((SUB + bucket % SUB) << shift) + ((uint64_t)1 << shift) / 2);
}

void latency_hist_add(struct latency_hist *hist, ns_t time)
{
    if (time >= 0)
        hist->above[bucket_of((uint64_t)time)]++;
    else
        hist->below[bucket_of((uint64_t)-time)]++;
    if (hist->count == 0 || time < hist->least)
        hist->least = time;
    if (hist->count == 0 || time > hist->most)
        hist->most = time;
    hist->sum += time;
    hist->count++;
}

static ns_t within(const struct latency_hist *hist, ns_t time)
{
    return time < hist->least ? hist->least : time > hist->most ? hist->most : time;
}

ns_t latency_hist_at(const struct latency_hist *hist, uint32_t per_10000)
{
    if (hist->count == 0)
        return 0;
    uint64_t rank = (uint64_t)(((u128_t)hist->count * per_10000 + 9999) / 10000);
    rank = rank == 0 ? 1 : rank;
    uint64_t seen = 0;
    for (uint32_t i = LATENCY_HIST_BUCKETS; i-- > 0;)
        if ((seen += hist->below[i]) >= rank)
            return within(hist, -middle_of(i));
    for (uint32_t i = 0; i < LATENCY_HIST_BUCKETS; i++)
        if ((seen += hist->above[i]) >= rank)
            return within(hist, middle_of(i));
    return hist->most;
}

ns_t latency_hist_mean(const struct latency_hist *hist)
{
    return hist->count == 0 ? 0 : hist->sum / (int64_t)hist->count;
}
