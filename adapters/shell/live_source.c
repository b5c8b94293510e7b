#include "adapters/shell/live_source.h"

static struct live_source *live_of(struct wire_source *source)
{
    return (struct live_source *)(void *)source;
}

static err_t live_next(struct wire_source *source, struct link_input *input)
{
    struct live_source *live = live_of(source);
    const err_t err = live_io_next(live->io, live->due, input, &source->why);
    if (err == ERR_OK && input->what == LINK_TICK)
        live->due = NS_MAX; /* that was it */
    return err;
}

static err_t live_wait(struct wire_source *source, ns_t due)
{
    struct live_source *live = live_of(source);
    live->due = due;
    live_io_wait(live->io, due);
    return ERR_OK;
}

static void live_close(struct wire_source *source)
{
    (void)source;
}

static const struct wire_source_ops ops = {.next = live_next, .wait = live_wait, .asked = NULL, .close = live_close};

void live_source_init(struct live_source *live, struct live_io *io)
{
    *live = (struct live_source){.source.ops = &ops, .io = io, .due = NS_MAX};
}
