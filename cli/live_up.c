#include "cli/live_up.h"

#include "adapters/shell/live_source.h"
#include "cli/links_up.h"
#include "cli/run_dir.h"
#include "cli/run_output.h"
#include "cli/version.h"
#include "cli/wire_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct live_up {
    const struct run_config *config;
    struct instrument *instruments;
    struct live_io *io;
    struct live_source source;
    struct wire_source *tee;
    struct raw_tape *tape; /* NULL: none */
    char path[PATH_SIZE];
    struct stage_session session;
};

static err_t open_io(struct live_up *live, struct err_text *why)
{
    const struct config_session *session = &live->config->session;
    char agent[64];
    snprintf(agent, sizeof(agent), "tapedeck/%s", cli_version());
    const struct live_io_options options = {.ca_file = session->ca_file,
                                            .proxy = session->proxy,
                                            .agent = agent,
                                            .ring_bytes = session->ring,
                                            .one_thread = session->io == SESSION_IO_INLINE,
                                            .spin = session->spin,
                                            .tick = session->tick};
    err_t err = live_io_open(&live->io, &options, why);
    if (err != ERR_OK)
        return err;
    live_source_init(&live->source, live->io);
    err = wire_tee_open(&live->tee, &live->source.source, NULL, why);
    if (err != ERR_OK)
        return err;
    live->session.source = live->tee;
    live->session.wire = live_io_wire(live->io);
    live->session.first_ts = live_io_now(live->io);
    wire_tee_begin(live->tee, live->session.first_ts);
    return ERR_OK;
}

err_t live_up_open(struct live_up **live, const struct run_config *config, struct err_text *why)
{
    struct live_up *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->config = config;
    opened->session.path = RUN_INPUTS_FILE;
    err_t err = links_check(config, why);
    if (err == ERR_OK)
        err = links_rules(config, &opened->instruments, &opened->session.instrument_count, why);
    opened->session.instruments = opened->instruments;
    if (err == ERR_OK)
        err = open_io(opened, why);
    if (err != ERR_OK) {
        live_up_close(opened);
        return err;
    }
    *live = opened;
    return ERR_OK;
}

const struct stage_session *live_up_session(const struct live_up *live)
{
    return &live->session;
}

struct live_io *live_up_io(const struct live_up *live)
{
    return live->io;
}

err_t live_up_record(struct live_up *live, const char *dir, struct err_text *why)
{
    char source[160], created_by[64];
    if (dir == NULL)
        return ERR_OK;
    if (!run_dir_path(live->path, dir, RUN_INPUTS_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    snprintf(source, sizeof(source), "inputs of a session of %s, config %s, build %s", live->config->strategy->name,
             live->config->hash, cli_build_id());
    snprintf(created_by, sizeof(created_by), "tapedeck %s", cli_version());
    char *listens = links_text(live->config);
    if (listens == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    const struct raw_tape_options options = {.source = source, .created_by = created_by, .session = listens};
    err_t err =
        raw_tape_open(&live->tape, live->path, live->instruments, live->session.instrument_count, &options, why);
    free(listens);
    if (err == ERR_OK)
        wire_tee_switch(live->tee, live->tape);
    return err;
}

err_t live_up_finish(struct live_up *live, struct stage *stage, struct err_text *why)
{
    struct tape_reader *reader;
    if (live->tape == NULL)
        return ERR_OK;
    err_t err = raw_tape_close(live->tape, NULL, why);
    live->tape = NULL;
    wire_tee_switch(live->tee, NULL);
    if (err != ERR_OK && err != ERR_FULL) /* full: what was applied is there, and the run says why it ended */
        return err;
    err = tape_reader_open(&reader, live->path, NULL, why);
    if (err != ERR_OK)
        return err;
    memcpy(stage->tapes[0].hash, tape_reader_info(reader)->hash, sizeof(stage->tapes[0].hash));
    tape_reader_close(reader);
    return ERR_OK;
}

void live_up_close(struct live_up *live)
{
    struct err_text unheard = {0};
    if (live == NULL)
        return;
    if (live->tape != NULL)
        (void)!raw_tape_close(live->tape, NULL, &unheard);
    if (live->io != NULL)
        live_io_close(live->io);
    if (live->tee != NULL)
        live->tee->ops->close(live->tee);
    free(live->instruments);
    free(live);
}
