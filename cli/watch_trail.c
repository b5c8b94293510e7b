#include "cli/watch_trail.h"

#include <stdlib.h>

#define POINTS_MAX 1024

struct point {
    uint64_t input;
    size_t bytes;
    struct stage_image *image;
    struct feed_mark *marks;
};

struct watch_trail {
    struct stage_image *fresh; /* NULL: nothing can be kept */
    uint64_t spacing;
    size_t bytes;
    uint32_t count;
    struct point points[POINTS_MAX]; /* rising by input */
};

struct watch_trail *watch_trail_new(void)
{
    struct watch_trail *trail = calloc(1, sizeof(*trail));
    if (trail != NULL)
        trail->spacing = WATCH_TRAIL_SPACING;
    return trail;
}

static void drop(struct watch_trail *trail, struct point *point)
{
    trail->bytes -= point->bytes;
    stage_image_free(point->image);
    free(point->marks);
}

void watch_trail_free(struct watch_trail *trail)
{
    if (trail == NULL)
        return;
    for (uint32_t i = 0; i < trail->count; i++)
        drop(trail, &trail->points[i]);
    stage_image_free(trail->fresh);
    free(trail);
}

void watch_trail_begin(struct watch_trail *trail, struct stage *stage)
{
    struct err_text unheard = {0};
    if (stage_image_take(&trail->fresh, stage, &unheard) != ERR_OK)
        trail->fresh = NULL;
}

static void thin_out(struct watch_trail *trail)
{
    uint32_t kept = 0;
    trail->spacing *= 2;
    for (uint32_t i = 0; i < trail->count; i++) {
        if (trail->points[i].input % trail->spacing == 0)
            trail->points[kept++] = trail->points[i];
        else
            drop(trail, &trail->points[i]);
    }
    trail->count = kept;
}

void watch_trail_pass(struct watch_trail *trail, struct stage *stage, uint64_t input)
{
    struct err_text unheard = {0};
    if (input % trail->spacing != 0 || trail->fresh == NULL || input == 0)
        return;
    struct point point = {.input = input, .marks = calloc(stage->lane_count, sizeof(*point.marks))};
    if (point.marks == NULL || stage_settle(stage) != ERR_OK || stage_marks(stage, point.marks) != ERR_OK ||
        stage_image_take(&point.image, stage, &unheard) != ERR_OK) {
        free(point.marks);
        return;
    }
    point.bytes = stage_image_bytes(point.image);
    trail->bytes += point.bytes;
    trail->points[trail->count++] = point;
    while (trail->count > 0 && (trail->bytes > WATCH_TRAIL_BYTES || trail->count == POINTS_MAX))
        thin_out(trail);
}

static const struct point *point_before(const struct watch_trail *trail, uint64_t input)
{
    const struct point *found = NULL;
    for (uint32_t i = 0; i < trail->count && trail->points[i].input <= input; i++)
        found = &trail->points[i];
    return found;
}

uint64_t watch_trail_before(const struct watch_trail *trail, uint64_t input)
{
    const struct point *point = point_before(trail, input);
    return point != NULL ? point->input : 0;
}

err_t watch_trail_put(const struct watch_trail *trail, struct stage *stage, const struct stage_image *fresh,
                      uint64_t input, struct err_text *why)
{
    const struct point *point = point_before(trail, input);
    ASSERT(point != NULL);
    const struct stage_place place = {.fresh = trail->fresh, .then = point->image, .marks = point->marks};
    return stage_put(stage, fresh, &place, why);
}
