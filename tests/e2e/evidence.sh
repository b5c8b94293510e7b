#!/usr/bin/env bash
# However a run ends, what it leaves can be trusted: Ctrl-C, SIGTERM, a strategy that aborts or touches what it must not
# (kill -9: kill_run.sh); a flipped byte is found and named; a bundle executes where its tape is gone.
. "$(dirname "$0")/lib.sh"
cd "$WORK"

rounds=${FLIP_ROUNDS:-12}
seed=${FLIP_SEED:-$(date +%s)}
RANDOM=$seed
echo "# seed $seed (FLIP_SEED repeats the flips, FLIP_ROUNDS makes more of them)"

"$TAPEDECK" synth day.tape --duration 20m -q >/dev/null || not_ok "no tape to begin with"
cp "$ROOT/examples/grid.yaml" run.yaml
# A pace makes it last; it changes no result.
slow=(run run.yaml --tape day.tape --set feed.speed=200x -q)
evidence() { "$TAPEDECK" evidence "$@" >out 2>err; }

# ---- ended in good order
for signal in INT TERM; do
    (exec "$TAPEDECK" "${slow[@]}" --out "by-$signal" >/dev/null 2>&1) &
    pid=$!
    sleep 1.5
    # a background job of a shell without job control ignores SIGINT: the program takes it back
    kill -$signal $pid
    wait $pid
    code=$?
    same "SIG$signal: the exit code" "$([ $signal = INT ] && echo 130 || echo 143)" $code
    evidence "by-$signal" --strict
    same "SIG$signal: the directory is whole" 0 $?
    same "SIG$signal: the manifest says so" "interrupted SIG$signal" \
        "$(json "by-$signal/manifest.json" end) $(json "by-$signal/manifest.json" signal)"
    if "$TAPEDECK" why "by-$signal" 1 -q >out 2>err && grep -q "the same run" out; then
        ok "SIG$signal: executed again up to there, it is the same"
    else
        not_ok "SIG$signal: executed again up to there, it is the same" "$(cat err)"
    fi
done

# ---- crashed
crash() { # NAME, what the 5000th book message does
    cat >"$1.c" <<END
#include "core/strategy.h"
#include <stdlib.h>
struct state { uint64_t seen, order; };
static void on_book(struct strategy_ctx *ctx, void *memory, const struct event *event)
{
    struct state *state = memory;
    (void)event;
    struct level bid;
    if (++state->seen % 100 == 0 && book_best(strategy_book(ctx, 0), SIDE_BUY, &bid))
        (void)!strategy_limit(ctx, 0, SIDE_BUY, bid.price, 2, TIF_GTC, 0, &state->order);
    if (state->seen == 5000)
        $2;
}
static const struct strategy strategy = {.abi = STRATEGY_ABI, .name = "$1", .version = "1", .help = "It breaks.",
    .state_size = sizeof(struct state), .book = on_book};
const struct strategy *tapedeck_strategy(void);
const struct strategy *tapedeck_strategy(void) { return &strategy; }
END
    ${CC:-cc} -std=c17 -shared -fPIC -I "$ROOT" -o "$1.so" "$1.c"
}
if ! command -v "${CC:-cc}" >/dev/null; then
    skip "a strategy that crashes" "no C compiler"
else
    ulimit -c 0
    for what in "aborts:abort():134:SIGABRT" "asserts:ASSERT(state->seen < 5000):134:SIGABRT" \
        "faults:*(volatile int *)8 = 1:139:SIGSEGV"; do
        IFS=: read -r name statement code signal <<<"$what"
        crash "$name" "$statement" 2>err || not_ok "$name compiles" "$(cat err)"
        printf 'feed: {tapes: [day.tape]}\nstrategy: {plugin: %s.so}\n' "$name" >$name.yaml
        # a sanitizer has its own way to go: then only what is left counts
        ("$TAPEDECK" run $name.yaml -q --out $name >/dev/null 2>&1)
        got=$?
        [ $got -eq 1 ] && got=$code
        same "$name: ends by its signal" $code $got
        evidence $name
        same "$name: has not ended" 12 $?
        # as far as the input before the one that broke it
        "$TAPEDECK" verify $name -q >out 2>err
        same "$name: executed again up to there, it is the same" 13 $?
        if grep -q "identical up to input [0-9]* (the run crashed: [0-9]* inputs after that" out; then
            ok "$name: verify says how far"
        else
            not_ok "$name: verify says how far" "$(cat out err)"
        fi
        if grep -q "^signal $signal" $name/crash.txt && grep -q '^inputs [1-9]' $name/crash.txt; then
            ok "$name: crash.txt says where"
        else
            not_ok "$name: crash.txt says where" "$(cat $name/crash.txt)"
        fi
        # all 50 orders (the last one sent within the message that broke it) are in orders.csv
        same "$name: rows in the buffers went out" 50 "$(grep -c ',submit,' $name/orders.csv)"
    done
    # what a strategy must not touch: the account is held against sums of its own
    crash meddles 'if (account_pay((struct account *)(size_t)strategy_account(ctx), "USDT", 1) != ERR_OK) abort()' 2>err ||
        not_ok "meddles compiles" "$(cat err)"
    printf 'feed: {tapes: [day.tape]}\nstrategy: {plugin: meddles.so}\n' >meddles.yaml
    "$TAPEDECK" run meddles.yaml -q --out meddles >/dev/null 2>err
    same "an account that was meddled with: the exit code" 9 $?
    if grep -q "the invariant 'cash' does not hold after input [0-9]*: USDT: expected" err; then
        ok "an account that was meddled with: the message has both numbers"
    else
        not_ok "an account that was meddled with: the message has both numbers" "$(cat err)"
    fi
    evidence meddles --strict
    same "an account that was meddled with: the evidence is whole, and names it" "0 error cash" \
        "$? $(json meddles/manifest.json end) $(json meddles/manifest.json checks.breach.invariant)"
    if grep -q '^assertion .*asserts.c:[0-9]*: state->seen < 5000' asserts/crash.txt; then
        ok "asserts: crash.txt names the assertion"
    else
        not_ok "asserts: crash.txt names the assertion" "$(cat asserts/crash.txt)"
    fi
fi

# ---- a flipped byte
"$TAPEDECK" "${slow[@]}" --set feed.speed=max --out whole >/dev/null || not_ok "the whole run failed"
evidence whole
same "a finished run is whole" 0 $?
same "the seal is the hash of what is before it" "$(json whole/manifest.json seal)" \
    "$(head -c -68 whole/manifest.json | sha256sum | cut -d' ' -f1)"
bad=0
for ((round = 1; round <= rounds; round++)); do
    file=$(ls whole | sed -n "$((RANDOM % $(ls whole | wc -l) + 1))p")
    size=$(stat -c %s "whole/$file")
    [ "$size" -gt 0 ] || continue
    cp "whole/$file" kept
    at=$(((RANDOM * 32768 + RANDOM) % size))
    byte=$(od -An -tu1 -j $at -N 1 kept)
    printf "\\x$(printf %x $((byte ^ (1 << RANDOM % 8))))" | dd of="whole/$file" bs=1 seek=$at conv=notrunc status=none
    evidence whole
    code=$?
    if [ "$file" = manifest.json ] && [ $code -eq 4 ]; then
        :
    elif [ $code -ne 1 ] || ! grep -q "^$file: changed" out; then
        bad=$((bad + 1))
        echo "# round $round: byte $at of $file: exit code $code"
    fi
    cp kept "whole/$file"
done
same "a flipped bit is found, and its file named" 0 $bad

# ---- a bundle, elsewhere
succeeds "bundle with tapes" "$TAPEDECK" bundle whole --with-tapes --out whole.tar.zst
mv day.tape elsewhere.tape
succeeds "the bundle is whole" "$TAPEDECK" evidence whole.tar.zst --strict
succeeds "the bundle executes without the tape" "$TAPEDECK" why whole.tar.zst 1 -q
succeeds "it unpacks" "$TAPEDECK" bundle --extract whole.tar.zst --out back
if diff -r whole back -x tapes >out; then ok "what comes back is what went in"; else not_ok "what comes back is what went in" "$(cat out)"; fi
finish
