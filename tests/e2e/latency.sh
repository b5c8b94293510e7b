#!/usr/bin/env bash
# WebSocket against REST polling, on the mock exchange over TLS: what is measured is what the mock was told to be late
# by, each channel counts what it got, and what cannot be measured is said.
. "$(dirname "$0")/lib.sh"

server=0
# start NAME OPTIONS...
start() {
    local name=$1
    shift
    "$TAPEDECK" mock --listen 127.0.0.1:0 --state "$WORK/state" --ready-json --json -q --duration 120s "$@" >"$WORK/$name.json" 2>"$WORK/$name.err" &
    server=$!
    for _ in $(seq 200); do
        [ -s "$WORK/$name.json" ] && grep -q '}$' "$WORK/$name.json" && head -n 1 "$WORK/$name.json" >"$WORK/$name.ready" && return 0
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    not_ok "the server '$name' says that it is ready" "$(cat "$WORK/$name.err")"
    return 1
}
stop() {
    kill -INT $server 2>/dev/null
    wait $server
}
# measure NAME VENUE SYMBOL OPTIONS...: JSON in NAME.out
measure() {
    local name=$1 venue=$2 symbol=$3 port
    shift 3
    port=$(json "$WORK/$name.ready" port)
    "$TAPEDECK" latency --venue "$venue" --symbols "$symbol" --rest "https://127.0.0.1:$port" \
        --stream "wss://127.0.0.1:$port" --ca-file "$WORK/state/ca.pem" --json -q "$@" >"$WORK/$name.out" 2>"$WORK/$name.err"
}
# holds NAME EXPRESSION: about the JSON, as `r`, with w (WebSocket) and p (the polls)
holds() {
    local got
    got=$(/usr/bin/python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
w, p = r["channels"][0], r["channels"][1:]
print(bool(eval(sys.argv[2])))' "$WORK/$3.out" "$2" 2>&1 | tail -n 1)
    if [ "$got" = True ]; then ok "$1"; else not_ok "$1" "$2 is $got" "$(cat "$WORK/$3.out")"; fi
}

# A market of ten diffs a second, asked for every 250 ms and every second.
start usdm --venue binance-usdm --synth rate=9600 --stamps wall && {
    measure usdm binance-usdm SYN1USDT --duration 4s --poll 250ms,1s
    same "a measurement ends well" 0 $?
    holds "there is a channel for each way" '[c["channel"] for c in r["channels"]] == ["WebSocket", "REST 250ms", "REST 1s"]' usdm
    holds "all channels measured the same window" 'all(3.8e9 < c["window_ns"] < 6e9 for c in r["channels"])' usdm
    holds "the WebSocket brings every diff" '30 <= w["age"]["samples"] <= 70 and w["gaps"] == 0' usdm
    holds "requests are as many as the interval says" '12 <= p[0]["round_trip"]["samples"] <= 22 and 3 <= p[1]["round_trip"]["samples"] <= 8' usdm
    holds "the venue's clock was measured to a millisecond" 'r["clock_samples"] >= 3 and 0 < r["clock_uncertainty_ns"] < 20e6' usdm
    holds "every update is looked up in what was polled" 'all(c["known_after"]["samples"] >= 0.6 * w["known_after"]["samples"] for c in p)' usdm
    holds "who polls seldom learns late" 'w["known_after"]["mean_ns"] < p[0]["known_after"]["mean_ns"] < p[1]["known_after"]["mean_ns"]' usdm
    holds "an update waits half an interval on average" '300e6 < p[1]["known_after"]["mean_ns"] < 800e6' usdm
    holds "CPU, memory and traffic are of each channel" 'all(c["cpu_user_ns"] + c["cpu_system_ns"] > 0 and c["memory_bytes"] > 1e6 and c["bytes_in"] > 1000 and c["connections"] >= 1 for c in r["channels"])' usdm
    stop
}

# Half a second of the venue's clock: it is found, and taken out of the ages.
start skew --venue binance-usdm --synth rate=9600 --stamps wall --fault clock_skew=-500ms && {
    measure skew binance-usdm SYN1USDT --duration 2s --poll none
    holds "a venue's clock that is behind is found" '-530e6 < r["clock_offset_ns"] < -470e6' skew
    holds "and taken out of the ages" '-60e6 < w["age"]["mean_ns"] < 60e6' skew
    stop
}

# Spot: polled books have no stamp; the ids tell when an update was known.
start spot --venue binance-spot --synth rate=9600 --stamps wall && {
    measure spot binance-spot SYN1USDT --duration 3s --poll 250ms
    holds "books without a stamp have no age, and are counted" 'p[0]["age"]["samples"] == 0 and p[0]["books_unstamped"] > 0' spot
    holds "but their ids say what they hold" 'p[0]["known_after"]["samples"] > 15' spot
    "$TAPEDECK" latency --venue binance-spot --symbols NOPE --rest "https://127.0.0.1:$(json "$WORK/spot.ready" port)" --ca-file "$WORK/state/ca.pem" >/dev/null 2>"$WORK/err"
    same "an unknown symbol is an error" "5 1" "$? $(grep -c NOPE "$WORK/err")"
    stop
}

# Upbit, whose REST books are polled through the same face.
tape=$DATA/upbit_cryptofeed/UPBIT-20210417.ws.62.0.gz
if [ -e "$tape" ]; then
    "$TAPEDECK" import "$tape" --out "$WORK/upbit.tape" -q >/dev/null
    start upbit --venue upbit --tape "$WORK/upbit.tape" --loop --stamps wall && {
        measure upbit upbit KRW-LAMB --duration 4s --poll 500ms
        same "Upbit is measured" 0 $?
        holds "its books arrive both ways" 'w["books"] > 0 and p[0]["books"] >= 4' upbit
        stop
    }
else
    skip "Upbit is measured" "no capture"
fi

"$TAPEDECK" latency --venue binance-usdm --symbols A --poll 0s >/dev/null 2>"$WORK/err"
same "a poll interval of nothing is refused" 2 $?
"$TAPEDECK" latency --venue binance-usdm --symbols A --rest https://127.0.0.1:1 --poll none >/dev/null 2>"$WORK/err"
same "a venue that cannot be reached is an error" 5 $?
finish
