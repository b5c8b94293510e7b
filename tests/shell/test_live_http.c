#define _GNU_SOURCE /* memmem */
#include "adapters/shell/live_clock.h"
#include "adapters/shell/net_http.h"
#include "tests/shell/shell_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get(struct rig *rig, uint64_t id, const char *path, ns_t timeout)
{
    rig->wire->get(rig->wire->context, 7, id, rig_https(rig, GOOD, path), timeout);
}

static const struct link_input *answer(struct rig *rig, uint64_t id, int status)
{
    const struct link_input *input = rig_expect(rig, 0, LINK_ANSWER);
    cr_assert_eq(input->link, 7);
    cr_assert_eq(input->id, id);
    cr_assert_eq(input->status, status);
    return input;
}

Both(live_http, an_answer_brings_its_status_its_head_and_its_body)
{
    struct rig rig;
    const uint64_t id = (UINT64_C(1) << 48) - 1;
    rig_start(&rig);
    get(&rig, id, "/hello", 10 * NS_PER_S);
    const struct link_input *input = answer(&rig, id, 200);
    cr_assert(input->text_size == 5 && memcmp(input->text, "hello", 5) == 0);
    cr_assert_not_null(memmem(input->head, input->head_size, "X-Weight: 7\r\n", 13));
    for (int i = 0; i < FRAME_PADDING; i++)
        cr_assert_eq(input->text[input->text_size + (size_t)i], 0);
    get(&rig, 2, "/status?code=429", 10 * NS_PER_S);
    input = answer(&rig, 2, 429);
    cr_assert_not_null(memmem(input->head, input->head_size, "Retry-After: 3\r\n", 16));
    cr_assert(rig_says(input, "words"));
    rig_end(&rig);
}

Both(live_http, compressed_answers_come_plain)
{
    struct rig rig;
    rig_start(&rig);
    get(&rig, 1, "/zipped", 10 * NS_PER_S);
    const struct link_input *input = answer(&rig, 1, 200);
    cr_assert_eq(input->text_size, 100000);
    cr_assert_eq(memcmp(input->text, "0123456789abcdef0", 17), 0);
    rig_end(&rig);
}

Both(live_http, a_body_that_ends_too_early_is_no_answer)
{
    struct rig rig;
    rig_start(&rig);
    get(&rig, 9, "/cut", 10 * NS_PER_S);
    const struct link_input *input = rig_expect(&rig, 0, LINK_FAILED);
    cr_assert(input->id == 9 && input->link == 7 && input->status == 0 && input->text_size > 0);
    get(&rig, 10, "/hello", 10 * NS_PER_S);
    answer(&rig, 10, 200);
    rig_end(&rig);
}

Both(live_http, a_request_ends_with_its_timeout)
{
    struct rig rig;
    rig_start(&rig);
    const ns_t began = live_clock_monotonic();
    get(&rig, 1, "/slow", 300 * NS_PER_MS);
    get(&rig, 2, "/hello", 10 * NS_PER_S);
    answer(&rig, 2, 200); /* overtakes */
    cr_assert_eq(rig_expect(&rig, 0, LINK_FAILED)->id, 1);
    const ns_t took = live_clock_monotonic() - began;
    cr_assert(took >= 290 * NS_PER_MS && took < 3 * NS_PER_S, "%lld ns", (long long)took);
    rig_end(&rig);
}

Both(live_http, an_answer_larger_than_the_ring_takes_is_told_and_others_go_on)
{
    struct rig rig;
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.ring_bytes = 1u << 20});
    get(&rig, 1, "/big?size=1000000", 10 * NS_PER_S);
    const struct link_input *input = rig_expect(&rig, 0, LINK_FAILED);
    cr_assert_eq(input->id, 1);
    cr_assert(rig_says(input, "ring"));
    get(&rig, 2, "/big?size=200000", 10 * NS_PER_S);
    cr_assert_eq(answer(&rig, 2, 200)->text_size, 200000);
    rig_end(&rig);
}

Both(live_http, more_requests_than_fly_at_once_are_all_answered_once)
{
    struct rig rig;
    bool seen[200] = {false};
    rig_start(&rig);
    for (uint64_t i = 0; i < ARRAY_LEN(seen); i++)
        get(&rig, i, "/hello", 20 * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        const struct link_input *input = rig_expect(&rig, 0, LINK_ANSWER);
        cr_assert(input->id < ARRAY_LEN(seen) && !seen[input->id]);
        seen[input->id] = true;
    }
    rig_end(&rig);
}

Both(live_http, more_requests_than_can_wait_end_the_session_in_words)
{
    struct rig rig;
    struct link_input input;
    struct err_text why = {0};
    rig_start(&rig);
    for (uint64_t i = 0; i < 40000; i++)
        get(&rig, i, "/slow", 60 * NS_PER_S);
    cr_assert_eq(live_io_next(rig.io, NS_MAX, &input, &why), ERR_FULL);
    cr_assert_not_null(strstr(why.text, "more was asked"), "%s", why.text);
    rig_end(&rig);
}

Test(live_http, a_fetch_before_the_session_waits_for_its_answer)
{
    struct rig rig;
    rig_begin(&rig);
    const struct net_http_options options = {.ca_file = rig.ca, .agent = "test"};
    struct err_text why = {0};
    char *body = NULL;
    size_t size = 0;
    cr_assert_eq(net_http_fetch(&options, rig_https(&rig, GOOD, "/hello"), 10 * NS_PER_S, &body, &size, &why), ERR_OK,
                 "%s", why.text);
    cr_assert(size == 5 && strcmp(body, "hello") == 0);
    free(body);
    cr_assert_eq(
        net_http_fetch(&options, rig_https(&rig, GOOD, "/status?code=418"), 10 * NS_PER_S, &body, &size, &why),
        ERR_IO);
    cr_assert(strstr(why.text, "418") != NULL && strstr(why.text, "words") != NULL, "%s", why.text);
    cr_assert_eq(net_http_fetch(&options, rig_https(&rig, WRONG, "/hello"), 10 * NS_PER_S, &body, &size, &why),
                 ERR_IO);
    cr_assert_eq(net_http_fetch(&options, rig_https(&rig, GOOD, "/slow"), NS_PER_S / 5, &body, &size, &why), ERR_IO);
    rig_end(&rig);
}
