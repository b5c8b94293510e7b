#!/usr/bin/env bash
# The operator of a paper session. The market maker trades on each venue of the mock exchange, over TLS, while lines break and data
# go missing; it is asked, paused, told, stopped, interrupted and killed. Each session is executed again to the same digest, and any
# flipped byte of its tapes is named with its block. Then its clock: a process that was stopped, a strategy that lags.
. "$(dirname "$0")/lib.sh"
cd "$WORK"

server=0 port=0
# start VENUE TAPE OPTIONS...
start() {
    local venue=$1 tape=$2
    shift 2
    rm -f ready.json
    "$TAPEDECK" mock --venue "$venue" --tape "$tape" --listen 127.0.0.1:0 --state state --ready-json -q --stamps wall --loop --duration 120s "$@" >ready.json 2>mock.err &
    server=$!
    for _ in $(seq 200); do
        [ -s ready.json ] && port=$(json ready.json port 2>/dev/null) && return 0
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    not_ok "the mock exchange is ready" "$(cat mock.err)"
    return 1
}
stop() {
    kill -INT $server 2>/dev/null
    wait $server 2>/dev/null
}
# config VENUE SYMBOL: paper.yaml
config() {
    cat >paper.yaml <<END
mode: paper
feed:
  live:
    - venue: $1
      symbols: [$2]
      rest: https://127.0.0.1:$port
      stream: wss://127.0.0.1:$port
session: {ca_file: state/ca.pem}
venue:
  latency: {entry: 3ms, response: 60ms}
account:
  balances: {USDT: "1000000", SYN1: "100"}
strategy:
  name: maker
  params: {size: "0.01", half_spread: 1, move_min: 1, interval: 50ms, position_max: "1"}
END
}
# session NAME OPTIONS...: in the background; its pid in `pid`.
session() {
    local name=$1
    shift
    "$TAPEDECK" run paper.yaml --out "$name" -q "$@" >"$name.out" 2>"$name.err" &
    pid=$!
}
# await_orders NAME: until it has orders and fills, as its operator hears.
await_orders() {
    for _ in $(seq 150); do
        "$TAPEDECK" ctl "$1" status >"$1.status" 2>/dev/null && [ "$(json "$1.status" fills 2>/dev/null || echo 0)" -gt 0 ] && return 0
        sleep 0.1
    done
    not_ok "$1: orders and fills happen" "$(cat "$1.status" "$1.err" 2>/dev/null | tail -n 20)"
    return 1
}
# ctl NAME COMMAND...
ctl() { "$TAPEDECK" ctl "$@" >>ctl.out 2>&1 || not_ok "ctl $*" "$(tail -n 3 ctl.out)"; }
# verified NAME CODE WORD
verified() {
    "$TAPEDECK" verify "$1" -q >verify.out 2>&1
    local code=$?
    if [ $code = "$2" ] && grep -q "$3" verify.out; then ok "$1: verify says: $(cut -d: -f2- verify.out | head -n 1)"; else not_ok "$1: verify says '$3'" "exit code $code" "$(cat verify.out)"; fi
}
above_zero() { if [ "${2:-0}" -gt 0 ]; then ok "$1: $2"; else not_ok "$1" "is ${2:-nothing}"; fi; }

# flipped NAME FILE: bytes of a tape, one at a time; each is named with its block and the first and last record in it.
flipped() {
    /usr/bin/python3 - "$TAPEDECK" "$1" "$2" <<'END' >flip.out 2>&1
import random, re, subprocess, sys
tapedeck, run, name = sys.argv[1:]
path = f"{run}/{name}"
whole = open(path, "rb").read()
draw = random.Random(len(whole))
print(f"seed {len(whole)}")
wrong = named = 0
try:
    for at in [0, len(whole) - 1] + [draw.randrange(len(whole)) for _ in range(8)]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << draw.randrange(8)
        open(path, "wb").write(flipped)
        done = subprocess.run([tapedeck, "verify", run, "-q"], capture_output=True, text=True)
        said = done.stdout + done.stderr
        block = re.search(r"damaged at byte \d+.*block .*records? \d+ to \d+", said)
        named += block is not None
        if done.returncode != 4 or name not in said:
            wrong += 1
            print(f"byte {at} of {name}: exit code {done.returncode}: {said}")
        else:
            print(f"byte {at}: {said.strip()}")
finally:
    open(path, "wb").write(whole)
sys.exit(wrong != 0 or named == 0)
END
    if [ $? -eq 0 ]; then ok "$1: a flipped byte of $2 is named ($(grep -m1 'block .* records' flip.out | cut -d: -f3- | cut -c1-150))"; else not_ok "$1: a flipped byte of $2 is named" "$(cat flip.out)"; fi
}

"$TAPEDECK" synth perp.tape --duration 60s -q >/dev/null || not_ok "a synthetic tape is made"
"$TAPEDECK" synth spot.tape --duration 60s --contract spot --seed 2 -q >/dev/null

# Three sessions of a venue at once.
venue() {
    local venue=$1 tape=$2 symbol=$3 interrupted stopped killed
    start "$venue" "$tape" --speed 4 --fault drop_connection=3s --fault drop=0.3% --fault depth_gap=0.3% --fault truncate=2% --fault http_503=2% || return
    config "$venue" "$symbol"
    session "$venue-int"
    interrupted=$pid
    session "$venue-stop"
    stopped=$pid
    session "$venue-kill"
    killed=$pid
    await_orders "$venue-int"
    await_orders "$venue-stop"
    await_orders "$venue-kill"
    ctl "$venue-stop" pause
    ctl "$venue-stop" set half_spread=2
    ctl "$venue-stop" cancel
    sleep 1.5
    "$TAPEDECK" ctl "$venue-stop" status >paused.status
    same "$venue: the operator's pause shows, and nothing is open" "True 0" "$(json paused.status paused) $(json paused.status open_orders)"
    ctl "$venue-stop" resume
    sleep 3
    kill -9 $killed
    wait $killed 2>/dev/null
    ctl "$venue-stop" stop
    wait $stopped
    same "$venue: the operator's stop ends it in good order" 0 $?
    kill -INT $interrupted
    wait $interrupted
    same "$venue: Ctrl-C ends it" 130 $?
    stop
    above_zero "$venue: orders" "$(json "$venue-int/result.json" orders)"
    above_zero "$venue: fills" "$(json "$venue-int/result.json" fills)"
    above_zero "$venue: connections that broke" "$(json "$venue-int/result.json" session.links.0.downs)"
    verified "$venue-int" 0 identical
    verified "$venue-stop" 0 identical
    verified "$venue-kill" 13 identical
    same "$venue: four commands and the stop are inputs" 5 "$(json "$venue-stop/result.json" session.commands)"
    same "$venue: and lines of the log" 5 "$(grep -c operator: "$venue-stop/log.txt")"
    flipped "$venue-int" journal.tape
    flipped "$venue-int" inputs.tape
    verified "$venue-int" 0 identical
    same "$venue: no socket is left" "" "$(ls "$venue-int/ctl.sock" "$venue-stop/ctl.sock" 2>/dev/null)"
}
venue binance-usdm perp.tape SYN1USDT
venue binance-spot spot.tape SYN1USDT
venue upbit spot.tape USDT-SYN1

# Asked over HTTP.
start binance-usdm perp.tape && {
    config binance-usdm SYN1USDT
    free=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    session health --set session.health="$free"
    await_orders health
    /usr/bin/python3 -c '
import json, sys, urllib.request
with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=5) as answer:
    print(answer.status, json.load(answer)["status"]["inputs"] > 0)' "$free" >health.out 2>&1
    same "the health port answers with the status" "200 True" "$(cat health.out)"
    "$TAPEDECK" run paper.yaml --out second -q --set session.health="$free" >second.out 2>&1
    same "a port that is taken is told before the session begins" 5 $?
    "$TAPEDECK" run paper.yaml --out health --force -q >second.out 2>&1
    same "so is a directory in which a session goes on" 5 $?

    # A process that is stopped for six seconds, of which five may pass.
    kill -STOP $pid
    sleep 6.5
    kill -CONT $pid
    sleep 0.5
    ctl health stop
    wait $pid
    same "a session that was stopped and goes on ends well" 0 $?
    same "the stretch without an input is counted" 1 "$(json health/result.json session.heartbeats_missed)"
    "$TAPEDECK" run paper.yaml --tape health/inputs.tape --no-output --json >again.json
    same "and counted again from its tape" "$(json health/result.json session.silence_longest_ns) 1" \
        "$(json again.json session.silence_longest_ns) $(json again.json session.heartbeats_missed)"

    # A strategy that needs 40 ms for a book, in a market of dozens a second: its present is seconds ago.
    if command -v "${CC:-cc}" >/dev/null; then
        cat >slow.c <<'END'
#include "core/strategy.h"
#include <time.h>
static void on_book(struct strategy_ctx *ctx, void *memory, const struct event *event)
{
    (void)ctx, (void)memory, (void)event;
    nanosleep(&(struct timespec){.tv_nsec = 40000000}, 0);
}
static const struct strategy strategy = {.abi = STRATEGY_ABI, .name = "slow", .version = "1", .help = "It is slow.",
    .state_size = 8, .book = on_book};
const struct strategy *tapedeck_strategy(void);
const struct strategy *tapedeck_strategy(void) { return &strategy; }
END
        ${CC:-cc} -std=gnu17 -shared -fPIC -I "$ROOT" -o slow.so slow.c 2>err || not_ok "a slow strategy compiles" "$(cat err)"
        stop
        start binance-usdm perp.tape --speed 10
        config binance-usdm SYN1USDT
        sed -i -e '/^strategy:/,$d' -e 's/^session: {/session: {tick: 50ms, /' paper.yaml
        echo 'strategy: {plugin: slow.so}' >>paper.yaml
        session slow
        sleep 6
        kill -INT $pid
        wait $pid
        same "a session that lags behind the wall clock ends as a broken invariant" 9 $?
        same "which the manifest names" "error wall_clock" "$(json slow/manifest.json end) $(json slow/manifest.json checks.breach.invariant)"
        if grep -q "went on by" slow.err; then ok "and the user reads: $(cut -c1-150 slow.err)"; else not_ok "and the user is told" "$(cat slow.err)"; fi
        verified slow 0 identical
    else
        skip "a strategy that lags" "no C compiler"
    fi
    stop
}
finish
