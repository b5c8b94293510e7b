#include "cli/run_snapshots.h"

#include <stdio.h>

err_t run_snapshots_open(struct run_snapshots *snapshots, const struct run_config *config, struct stage *stage,
                         const char *dir, struct err_text *why)
{
    if (config->output.snapshots != OUTPUT_SNAPSHOTS_ON || dir == NULL || stage->follower_count != 0 ||
        stage->wire != NULL) /* a session goes through its inputs from the beginning */
        return ERR_OK;
    if (!run_dir_path(snapshots->folder, dir, SNAPSHOT_FOLDER))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    snapshots->interval = config->output.snapshot_interval;
    err_t err = snapshot_key_of(&snapshots->key, config, why);
    return err != ERR_OK ? err : stage_image_take(&snapshots->fresh, stage, why);
}

void run_snapshots_look(struct run_snapshots *snapshots, struct stage *stage)
{
    if (snapshots->folder[0] == '\0')
        return;
    const ns_t now = engine_now(stage->engine);
    if (now < snapshots->due)
        return;
    struct err_text why = {0};
    const bool first = snapshots->due == 0;
    snapshots->due = now > NS_MAX - snapshots->interval ? NS_MAX : now + snapshots->interval;
    if (first)
        return; /* one at the very beginning helps nobody */
    err_t err = snapshot_write(snapshots->folder, &snapshots->key, stage, snapshots->fresh, &why);
    if (err == ERR_OK && ++snapshots->written % 16 == 0 && snapshot_thin_out(snapshots->folder))
        snapshots->interval *= 2;
    if (err != ERR_OK && err != ERR_STATE && err != ERR_EXISTS) {
        fprintf(stderr, "tapedeck run: no more snapshots: %s\n", why.text);
        snapshots->folder[0] = '\0';
    }
}

void run_snapshots_close(struct run_snapshots *snapshots)
{
    stage_image_free(snapshots->fresh);
}
