#include "cli/wire_sources.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

STATIC_ASSERT(EVENT_WIRE_PADDING >= FRAME_PADDING, "texts of a tape can be parsed where they are");

static struct event_checkpoint checkpoint_of(const struct wire_asked *asked)
{
    return (struct event_checkpoint){
        .inputs = asked->inputs, .orders = asked->requests, .outputs = {asked->digest.low, asked->digest.high}};
}

/* ---- the tee ---- */

struct tee {
    struct wire_source source; /* first */
    struct wire_source *inner;
    struct raw_tape *tape;
    ns_t ts; /* of the input given last */
    bool beginning;
};

static err_t tape_failed(struct tee *tee, err_t err)
{
    return err_say(&tee->source.why, err, "%s", raw_tape_why(tee->tape)->text);
}

static err_t tee_next(struct wire_source *source, struct link_input *input)
{
    struct tee *tee = (struct tee *)(void *)source;
    err_t err = ERR_OK;
    if (UNLIKELY(tee->beginning))
        *input = (struct link_input){.ts = tee->ts, .what = LINK_TICK};
    else
        err = tee->inner->ops->next(tee->inner, input);
    tee->beginning = false;
    if (err != ERR_OK) {
        if (err != ERR_AGAIN && err != ERR_END)
            err_say(&source->why, err, "%s", tee->inner->why.text);
        return err;
    }
    const struct event_wire wire = {.value = input->value,
                                    .id = input->id,
                                    .head = input->head,
                                    .text = input->text,
                                    .head_size = input->head_size,
                                    .text_size = input->text_size,
                                    .status = input->status,
                                    .link = input->link,
                                    .conn = input->conn,
                                    .what = input->what};
    tee->ts = input->ts;
    if (tee->tape == NULL)
        return ERR_OK;
    err = raw_tape_add(tee->tape, input->ts, &wire);
    return err == ERR_OK ? ERR_OK : tape_failed(tee, err);
}

static err_t tee_wait(struct wire_source *source, ns_t due)
{
    struct tee *tee = (struct tee *)(void *)source;
    err_t err = tee->inner->ops->wait(tee->inner, due);
    return err == ERR_OK || err == ERR_END ? err : err_say(&source->why, err, "%s", tee->inner->why.text);
}

static err_t tee_asked(struct wire_source *source, const struct wire_asked *asked)
{
    struct tee *tee = (struct tee *)(void *)source;
    if (tee->tape == NULL)
        return ERR_OK;
    const struct event_checkpoint checkpoint = checkpoint_of(asked);
    err_t err = raw_tape_checkpoint(tee->tape, tee->ts, &checkpoint);
    return err == ERR_OK ? ERR_OK : tape_failed(tee, err);
}

static void tee_close(struct wire_source *source)
{
    free(source);
}

err_t wire_tee_open(struct wire_source **source, struct wire_source *inner, struct raw_tape *tape,
                    struct err_text *why)
{
    static const struct wire_source_ops ops = {tee_next, tee_wait, tee_asked, tee_close};
    struct tee *tee = calloc(1, sizeof(*tee));
    if (tee == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    *tee = (struct tee){.source = {.ops = &ops}, .inner = inner, .tape = tape};
    *source = &tee->source;
    return ERR_OK;
}

void wire_tee_switch(struct wire_source *tee, struct raw_tape *tape)
{
    ((struct tee *)(void *)tee)->tape = tape;
}

void wire_tee_begin(struct wire_source *tee, ns_t ts)
{
    ((struct tee *)(void *)tee)->ts = ts;
    ((struct tee *)(void *)tee)->beginning = true;
}

/* ---- a tape ---- */

struct raw_source {
    struct wire_source source; /* first */
    struct tape_reader *reader;
    const char *path;
    struct tape_block block, before; /* before: the last input may lie in it */
    bool held, held_before, cut, cut_waits, lenient;
    uint32_t at;
    uint64_t given;
    err_t ended;
};

static struct raw_source *raw_of(struct wire_source *source)
{
    return (struct raw_source *)(void *)source;
}

static void let_go(struct raw_source *raw)
{
    if (raw->held_before)
        tape_reader_release(raw->reader, raw->before.buffer);
    raw->held_before = false;
}

/* The next record stays where it is. */
static err_t look(struct raw_source *raw, const struct event **record)
{
    while (raw->ended == ERR_OK && (!raw->held || raw->at == raw->block.event_count)) {
        struct tape_block next;
        if (raw->held_before) /* an empty block, or one that only held what was asked */
            let_go(raw);
        raw->ended = tape_reader_next(raw->reader, &next, &raw->source.why);
        if (raw->ended == ERR_TRUNCATED) {
            raw->ended = raw->cut_waits ? ERR_AGAIN : ERR_END;
            raw->cut = true;
        }
        if (raw->ended != ERR_OK)
            break;
        raw->before = raw->block;
        raw->held_before = raw->held;
        raw->block = next;
        raw->held = true;
        raw->at = 0;
    }
    if (raw->ended != ERR_OK)
        return raw->ended;
    *record = &raw->block.events[raw->at];
    return ERR_OK;
}

static err_t raw_next(struct wire_source *source, struct link_input *input)
{
    struct raw_source *raw = raw_of(source);
    const struct event *record;
    let_go(raw);
    err_t err = look(raw, &record);
    while (err == ERR_OK && record->kind == EVENT_CHECKPOINT && raw->lenient) {
        raw->at++;
        err = look(raw, &record);
    }
    if (err != ERR_OK)
        return err;
    if (record->kind == EVENT_CHECKPOINT)
        return raw->ended = err_say(&source->why, ERR_MISMATCH,
                                    "%s: after input %" PRIu64 " the session asked for something, which it does not "
                                    "now",
                                    raw->path, raw->given);
    if (record->kind != EVENT_WIRE || record->body == NULL)
        return raw->ended = err_say(&source->why, ERR_CORRUPT, "%s: a %s among a session's inputs", raw->path,
                                    event_kind_name((enum event_kind)record->kind));
    const struct event_wire *wire = record->body;
    *input = (struct link_input){.ts = record->ts,
                                 .value = wire->value,
                                 .id = wire->id,
                                 .head = wire->head,
                                 .text = wire->text,
                                 .head_size = wire->head_size,
                                 .text_size = wire->text_size,
                                 .status = wire->status,
                                 .link = wire->link,
                                 .conn = wire->conn,
                                 .what = wire->what};
    raw->at++;
    raw->given++;
    return ERR_OK;
}

static err_t raw_asked(struct wire_source *source, const struct wire_asked *asked)
{
    struct raw_source *raw = raw_of(source);
    const struct event *record;
    if (raw->lenient)
        return ERR_OK;
    err_t err = look(raw, &record);
    if (err != ERR_OK)
        return err == ERR_END || err == ERR_AGAIN ? ERR_OK : err; /* it was killed between the two */
    const struct event_checkpoint now = checkpoint_of(asked);
    if (record->kind != EVENT_CHECKPOINT || record->body == NULL || memcmp(record->body, &now, sizeof(now)) != 0)
        return raw->ended =
                   err_say(&source->why, ERR_MISMATCH,
                           "%s: after input %" PRIu64 " the session asks for something else than it did "
                           "then%s",
                           raw->path, raw->given, record->kind != EVENT_CHECKPOINT ? ", which was nothing" : "");
    raw->at++;
    return ERR_OK;
}

static void raw_close(struct wire_source *source)
{
    tape_reader_close(raw_of(source)->reader);
    free(source);
}

err_t tape_is_raw(const char *path, bool *raw, struct err_text *why)
{
    struct tape_reader *reader;
    struct tape_block block;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    struct err_text unheard = {0};
    *raw = tape_reader_next(reader, &block, &unheard) == ERR_OK && block.event_count != 0 &&
           block.events[0].kind == EVENT_WIRE;
    tape_reader_close(reader);
    return ERR_OK;
}

err_t raw_source_open(struct wire_source **source, const char *path, const struct raw_source_options *options,
                      struct err_text *why)
{
    static const struct wire_source_ops ops = {raw_next, NULL, raw_asked, raw_close};
    const struct tape_reader_options reading = {.buffers = 4, .read_ahead = options->read_ahead};
    struct raw_source *raw = calloc(1, sizeof(*raw));
    if (raw == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    *raw = (struct raw_source){
        .source = {.ops = &ops}, .path = path, .cut_waits = options->cut_waits, .lenient = options->lenient};
    err_t err = tape_reader_open(&raw->reader, path, &reading, why);
    if (err != ERR_OK) {
        free(raw);
        return err;
    }
    const struct event *record;
    err = look(raw, &record);
    if (err == ERR_END || err == ERR_AGAIN) /* killed before anything was written: a session without inputs */
        err = ERR_OK;
    else if (err == ERR_OK && record->kind != EVENT_WIRE)
        err = err_say(why, ERR_CONFIG, "%s: holds market events (%s), not the inputs of a session", path,
                      event_kind_name((enum event_kind)record->kind));
    else if (err != ERR_OK)
        err_say(why, err, "%s", raw->source.why.text);
    if (err != ERR_OK)
        raw_close(&raw->source);
    else
        *source = &raw->source;
    return err;
}

const struct tape_info *raw_source_info(const struct wire_source *source)
{
    return tape_reader_info(((const struct raw_source *)(const void *)source)->reader);
}

ns_t raw_source_first_ts(struct wire_source *source)
{
    const struct event *record;
    return look(raw_of(source), &record) == ERR_OK ? record->ts : 0;
}

bool raw_source_cut(const struct wire_source *source)
{
    return ((const struct raw_source *)(const void *)source)->cut;
}

uint64_t raw_source_position(const struct wire_source *source)
{
    return ((const struct raw_source *)(const void *)source)->given;
}
