#include "cli/ctl_server.h"
#include "cli/strategy_params.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct door {
    char dir[64], path[96];
    struct live_io *io;
    struct ctl_server *ctl;
};

static void open_door(struct door *door)
{
    struct err_text why = {0};
    strcpy(door->dir, "/tmp/tapedeck-ctl-XXXXXX");
    cr_assert_not_null(mkdtemp(door->dir));
    snprintf(door->path, sizeof(door->path), "%s/ctl.sock", door->dir);
    cr_assert_eq(live_io_open(&door->io, &(struct live_io_options){.ring_bytes = 1u << 20}, &why), ERR_OK, "%s",
                 why.text);
    cr_assert_eq(ctl_server_open(&door->ctl, &(struct ctl_options){.path = door->path, .io = door->io}, &why), ERR_OK,
                 "%s", why.text);
}

static void close_door(struct door *door)
{
    ctl_server_close(door->ctl);
    live_io_close(door->io);
    cr_assert_neq(access(door->path, F_OK), 0, "the socket is gone");
    rmdir(door->dir);
}

static const char *ask(const struct door *door, const char *request)
{
    static char answer[CTL_LINE_SIZE];
    struct err_text why = {0};
    cr_assert_eq(ctl_ask(door->path, request, answer, &why), ERR_OK, "%s", why.text);
    return answer;
}

/* The next input that is no tick. */
static void expect_command(const struct door *door, const char *text)
{
    struct link_input input;
    struct err_text why = {0};
    for (int i = 0; i < 200; i++) {
        const err_t err = live_io_next(door->io, NS_MAX, &input, &why);
        if (err == ERR_AGAIN)
            live_io_wait(door->io, live_io_now(door->io) + 50 * NS_PER_MS);
        else if (input.what == LINK_COMMAND)
            break;
    }
    cr_assert_eq(input.what, LINK_COMMAND);
    cr_assert_eq(input.text_size, strlen(text));
    cr_assert_arr_eq(input.text, text, input.text_size);
}

Test(ctl, commands_become_inputs_of_the_session_in_their_order)
{
    struct door door;
    open_door(&door);
    cr_assert_str_eq(ask(&door, "pause"), "{\"ok\":true}");
    cr_assert_str_eq(ask(&door, "set half_spread=20"), "{\"ok\":true}");
    expect_command(&door, "pause");
    expect_command(&door, "set half_spread=20");
    close_door(&door);
}

Test(ctl, status_is_what_the_session_said_last)
{
    struct door door;
    open_door(&door);
    cr_assert_not_null(strstr(ask(&door, "status"), ",\"status\":{}}"));
    ctl_server_say(door.ctl, "{\"inputs\":7}");
    cr_assert_not_null(strstr(ask(&door, "status"), ",\"status\":{\"inputs\":7}}"));
    long long ago = -1;
    cr_assert_eq(sscanf(ask(&door, "status"), "{\"ok\":true,\"said_ms_ago\":%lld,", &ago), 1);
    cr_assert(ago >= 0 && ago < 10000, "%lld", ago);
    close_door(&door);
}

Test(ctl, unknown_words_and_lines_that_are_too_long_are_refused)
{
    struct door door;
    char line[600];
    open_door(&door);
    cr_assert_not_null(strstr(ask(&door, "dance"), "expected status, pause"));
    cr_assert_not_null(strstr(ask(&door, "set x"), "\"ok\":false"));
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    cr_assert_not_null(strstr(ask(&door, line), "\"ok\":false"));
    memcpy(line, "set y=", 6);
    line[200] = '\0';
    cr_assert_not_null(strstr(ask(&door, line), "too long"));
    close_door(&door);
}

Test(ctl, the_socket_is_the_users_alone_and_one_session_has_it)
{
    struct door door;
    struct stat status;
    struct ctl_server *other = NULL;
    struct err_text why = {0};
    open_door(&door);
    cr_assert_eq(stat(door.path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(ctl_server_open(&other, &(struct ctl_options){.path = door.path, .io = door.io}, &why), ERR_EXISTS);
    cr_assert_str_eq(ask(&door, "resume"), "{\"ok\":true}", "the first one still has it");
    close_door(&door);
}

Test(ctl, nobody_there_is_said)
{
    char answer[CTL_LINE_SIZE];
    struct err_text why = {0};
    cr_assert_eq(ctl_ask("/tmp/tapedeck-no-such.sock", "status", answer, &why), ERR_NOTFOUND);
    cr_assert_not_null(strstr(why.text, "no session listens there"));
}

struct little_state {
    int64_t half_spread;
};

Test(ctl, a_parameter_is_set_by_its_name_within_its_range)
{
    static const struct strategy_param params[] = {{.name = "half_spread",
                                                    .type = PARAM_INT,
                                                    .offset = offsetof(struct little_state, half_spread),
                                                    .minimum = "1",
                                                    .maximum = "100"}};
    const struct strategy strategy = {.name = "little", .params = params, .param_count = 1};
    struct little_state state = {.half_spread = 5};
    struct err_text why = {0};
    cr_assert_eq(strategy_params_set(&strategy, &state, "half_spread=20", &why), ERR_OK);
    cr_assert_eq(state.half_spread, 20);
    cr_assert_eq(strategy_params_set(&strategy, &state, "half_spread=101", &why), ERR_RANGE);
    cr_assert_eq(state.half_spread, 20);
    why = (struct err_text){0};
    cr_assert_eq(strategy_params_set(&strategy, &state, "spread=2", &why), ERR_UNKNOWN);
    cr_assert_not_null(strstr(why.text, "no parameter of strategy 'little'"));
}
