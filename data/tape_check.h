/* tape_check.h: reads every byte of a tape, believes nothing, and goes on after damage.
 *
 *   header │ block 0 │ block 1 │ ~~damaged~~ │ block 3 │ ... │ index │ trailer
 *   └──── longest valid prefix ─┘    fault        good
 *
 * The reader stops at the first thing that is wrong; the check looks for the next valid seal and continues, so
 * that one pass tells all that was lost. Each fault carries the block and the range of messages and of time that
 * it costs. tape_edit.h repairs from what this finds.
 */
#ifndef TAPEDECK_DATA_TAPE_CHECK_H
#define TAPEDECK_DATA_TAPE_CHECK_H

#include "data/tape_index.h"

/* kind, words */
#define TAPE_FAULT_MAP(X)                                                                                            \
    X(HEADER, "the header is damaged")                                                                               \
    X(SEAL, "no valid seal here")                                                                                    \
    X(FRAME, "the block's checksum does not match")                                                                  \
    X(CONTENT, "the block's checksum is right but its content does not add up")                                      \
    X(CHAIN, "the block does not follow the one before it")                                                          \
    X(TRUNCATED, "the file ends in the middle of this block")                                                        \
    X(UNCLOSED, "the tape was not closed: it has no index (a crash, or a recording still going on)")                 \
    X(INDEX, "the index is damaged or disagrees with the blocks")                                                    \
    X(TRAILER, "the trailer is damaged, or bytes follow it")
#define TAPE_FAULT_ENUM(name, text) TAPE_FAULT_##name,
enum tape_fault_kind { TAPE_FAULT_MAP(TAPE_FAULT_ENUM) TAPE_FAULT_COUNT };
#undef TAPE_FAULT_ENUM

struct tape_fault {
    enum tape_fault_kind kind;
    uint64_t offset, bytes; /* where in the file, and how much of it */
    uint64_t block;         /* number of the (first) block that is lost */
    uint64_t block_count;   /* how many: 0: none (index, trailer); UINT64_MAX: not known (to the end) */
    uint64_t first_message;
    uint64_t message_count; /* UINT64_MAX: not known */
    ns_t first_ts, last_ts; /* what is lost lies between these; last_ts NS_MAX: not known */
};

#define TAPE_FAULTS_KEPT 64

struct tape_check_report {
    uint64_t file_bytes;
    uint64_t blocks, messages, levels; /* that are good, also after damage */
    ns_t first_ts, last_ts;            /* of them */
    struct {                           /* the longest valid prefix: header and blocks, without index */
        uint64_t bytes, blocks, messages, levels;
        ns_t first_ts, last_ts;
        uint8_t chain[16]; /* hash of its last seal */
    } prefix;
    bool closed; /* index and trailer are there and right */
    uint64_t fault_count;
    struct tape_fault faults[TAPE_FAULTS_KEPT]; /* the first of them */
    char hash[33];                              /* chain hash of the prefix, as `tape info` prints it */
};

struct tape_check_options {
    /* Called a few times a second at most; false stops the check (ERR_INTERRUPTED). May be NULL. */
    bool (*progress)(void *context, uint64_t done, uint64_t total, uint64_t levels, ns_t ts);
    void *context;
    struct tape_index *index; /* filled with the prefix's blocks; initialised by the caller; may be NULL */
};

/* OK: the file was read to its end, the report says what was found (fault_count 0: all is right). ERR_CORRUPT: not
 * a tape at all; ERR_VERSION; ERR_NOTFOUND, ERR_PERMISSION, ERR_IO, ERR_NOMEM. `options` may be NULL. */
err_t tape_check(const char *path, const struct tape_check_options *options, struct tape_check_report *report,
                 struct err_text *why) MUST_USE;
/* What the end of a tape looks like when its writer was killed: every whole block is still there. */
bool tape_fault_is_of_a_cut(enum tape_fault_kind kind);
const char *tape_fault_words(enum tape_fault_kind kind);

#endif
