#include "core/timers.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>

Test(timers, the_earliest_fires_first_and_of_equals_the_one_set_first)
{
    struct timer memory[8];
    struct timers timers;
    static const ns_t deadlines[] = {30, 10, 20, 10, 30, 10};
    static const uint64_t order[] = {2, 4, 6, 3, 1, 5};
    timers_init(&timers, memory, ARRAY_LEN(memory));
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
        uint64_t id = 0;
        cr_assert_eq(timers_add(&timers, deadlines[i], &id), ERR_OK);
        cr_assert_eq(id, i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        cr_assert_eq(timers_due(&timers), deadlines[order[i] - 1]);
        struct timer timer = timers_pop(&timers);
        cr_expect_eq(timer.id, order[i], "place %zu: timer %" PRIu64, i, timer.id);
        cr_expect_eq(timer.deadline, deadlines[order[i] - 1]);
    }
    cr_assert_eq(timers_due(&timers), NS_MAX);
}

Test(timers, a_full_table_refuses_and_keeps_its_ids)
{
    struct timer memory[2];
    struct timers timers;
    uint64_t id = 77;
    timers_init(&timers, memory, ARRAY_LEN(memory));
    cr_assert_eq(timers_add(&timers, 5, NULL), ERR_OK);
    cr_assert_eq(timers_add(&timers, 6, NULL), ERR_OK);
    cr_assert_eq(timers_add(&timers, 1, &id), ERR_FULL);
    cr_expect_eq(id, 77, "outputs stay untouched on failure");
    cr_expect_eq(timers_due(&timers), 5);
    cr_expect_eq(timers_pop(&timers).id, 1);
    cr_assert_eq(timers_add(&timers, 1, &id), ERR_OK);
    cr_expect_eq(id, 3, "a refused timer takes no id");
}

Test(timers, what_was_cancelled_or_fired_cannot_be_cancelled)
{
    struct timer memory[4];
    struct timers timers;
    timers_init(&timers, memory, ARRAY_LEN(memory));
    cr_assert_eq(timers_cancel(&timers, 1), ERR_NOTFOUND);
    cr_assert_eq(timers_add(&timers, 1, NULL), ERR_OK);
    cr_assert_eq(timers_add(&timers, 2, NULL), ERR_OK);
    cr_assert_eq(timers_cancel(&timers, 1), ERR_OK);
    cr_assert_eq(timers_cancel(&timers, 1), ERR_NOTFOUND);
    cr_assert_eq(timers_pop(&timers).id, 2);
    cr_assert_eq(timers_cancel(&timers, 2), ERR_NOTFOUND);
    cr_assert_eq(timers_due(&timers), NS_MAX);
}

/* Against a plain list: the next one is found by looking at all. */
Test(timers, random_adds_cancels_and_pops_agree_with_a_plain_list)
{
    enum { CAPACITY = 40, STEPS = 4000 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct prng prng;
        struct timer memory[CAPACITY], list[CAPACITY];
        struct timers timers;
        uint32_t count = 0;
        uint64_t last = 0;
        prng_init(&prng, seed, 1);
        timers_init(&timers, memory, CAPACITY);
        for (int step = 0; step < STEPS; step++) {
            const uint64_t draw = prng_below(&prng, 10);
            if (draw < 5) {
                const ns_t deadline = prng_range(&prng, -6, 6);
                uint64_t id = 0;
                err_t err = timers_add(&timers, deadline, &id);
                cr_assert_eq(err, count == CAPACITY ? ERR_FULL : ERR_OK);
                if (err == ERR_OK)
                    list[count++] = (struct timer){deadline, ++last};
                cr_assert(err != ERR_OK || id == last);
            } else if (draw < 7) {
                const uint64_t id = prng_below(&prng, last + 2);
                uint32_t at = 0;
                while (at < count && list[at].id != id)
                    at++;
                cr_assert_eq(timers_cancel(&timers, id), at < count ? ERR_OK : ERR_NOTFOUND, "seed %" PRIu64, seed);
                if (at < count)
                    list[at] = list[--count];
            } else if (count != 0) {
                uint32_t first = 0;
                for (uint32_t i = 1; i < count; i++)
                    if (list[i].deadline < list[first].deadline ||
                        (list[i].deadline == list[first].deadline && list[i].id < list[first].id))
                        first = i;
                const struct timer timer = timers_pop(&timers);
                cr_assert(timer.id == list[first].id && timer.deadline == list[first].deadline,
                          "seed %" PRIu64 " step %d: timer %" PRIu64 " instead of %" PRIu64, seed, step, timer.id,
                          list[first].id);
                list[first] = list[--count];
            }
            cr_assert_eq(timers.count, count);
        }
    }
}
