#!/usr/bin/env bash
# Paper sessions against the mock exchange over TLS, with broken lines: each is the same when it is executed again from its
# inputs; kill -9 leaves what was flushed; a flipped byte is named; other adapters' settings are noticed.
. "$(dirname "$0")/lib.sh"

server=0 port=0
# start NAME OPTIONS...: a server.
start() {
    local name=$1
    shift
    rm -f "$WORK/$name.json"
    "$TAPEDECK" mock --listen 127.0.0.1:0 --state "$WORK/state" --ready-json --json -q --duration 120s "$@" >"$WORK/$name.json" 2>"$WORK/$name.err" &
    server=$!
    for _ in $(seq 200); do
        [ -s "$WORK/$name.json" ] && grep -q '}$' "$WORK/$name.json" && head -n 1 "$WORK/$name.json" >"$WORK/$name.ready" &&
            port=$(json "$WORK/$name.ready" port) && return 0
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    not_ok "the server '$name' says that it is ready" "$(cat "$WORK/$name.err")"
    return 1
}
stop() {
    kill -INT $server 2>/dev/null
    wait $server 2>/dev/null
}
# config VENUE SYMBOL
config() {
    cat <<END
mode: paper
feed:
  live:
    - {venue: $1, symbols: [$2], streams: [book, trades], rest: "https://127.0.0.1:$port", stream: "wss://127.0.0.1:$port"}
session: {ca_file: $WORK/state/ca.pem}
venue: {rules: tape, latency: {entry: 2ms, response: 60ms}}
account: {balances: {USDT: "1000000", KRW: "1000000000"}}
strategy:
  name: maker
  params: {size: "0.01", half_spread: 1, move_min: 1, interval: 50ms, position_max: "0.5"}
END
}
# session CONFIG DIR SECONDS SIGNAL
session() {
    "$TAPEDECK" run "$1" --out "$2" --quiet >"$2.out" 2>&1 &
    local run=$!
    sleep "$3"
    kill "-$4" $run 2>/dev/null
    wait $run 2>/dev/null
}

# played NAME VENUE SYMBOL OPTIONS...
played() {
    local name=$1 venue=$2 symbol=$3 run="$WORK/$1.run"
    shift 3
    start "$name" --venue "$venue" --synth "seed=3,rate=600,volatility=30,diff-interval=100ms" --stamps wall "$@" || return
    config "$venue" "$symbol" >"$WORK/$name.yaml"
    session "$WORK/$name.yaml" "$run" 8 INT
    same "$name: Ctrl-C ends the session in good order" 130 $?
    stop
    if [ ! -e "$run/result.json" ]; then
        not_ok "$name: the session leaves a result" "$(cat "$run.out")"
        return
    fi
    local gaps orders
    gaps=$(json "$run/result.json" counters.gaps) orders=$(json "$run/result.json" orders)
    if [ "$orders" -gt 10 ]; then ok "$name: it traded ($orders orders, $gaps gaps)"; else not_ok "$name: it traded" "$orders orders"; fi
    succeeds "$name: verify says identical" "$TAPEDECK" verify "$run"
    grep -q identical "$WORK/out" || not_ok "$name: verify says so" "$(cat "$WORK/out")"
}

played usdm binance-usdm SYN1USDT --fault drop_connection=3s
played spot binance-spot SYN1USDT --fault drop_connection=3s
played upbit upbit USDT-SYN1 --fault drop_connection=3s

# A flipped byte in the middle of the inputs.
run="$WORK/usdm.run"
if [ -e "$run/inputs.tape" ]; then
    cp -r "$run" "$WORK/flipped"
    /usr/bin/python3 - "$WORK/flipped/inputs.tape" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 16
open(sys.argv[1], "wb").write(data)
END
    "$TAPEDECK" verify "$WORK/flipped" >"$WORK/out" 2>&1
    same "a flipped byte of the inputs is found" 4 $?
    if grep -q "damaged at byte .* block .* records .* to " "$WORK/out"; then ok "and its block and records are named"; else not_ok "and its block and records are named" "$(cat "$WORK/out")"; fi

    # The same session, played to another strategy, and its market in a backtest.
    succeeds "the session is played to another spread, offline" "$TAPEDECK" run "$WORK/usdm.yaml" --tape "$run/inputs.tape" \
        --set strategy.params.half_spread=3 --out "$WORK/offline" --quiet
    succeeds "and that is proved too" "$TAPEDECK" verify "$WORK/offline"
    succeeds "its market is taken out" "$TAPEDECK" tape normalise "$run/inputs.tape" --out "$WORK/market.tape"
    succeeds "the market tape is whole" "$TAPEDECK" tape check "$WORK/market.tape"
    succeeds "and gives a backtest" "$TAPEDECK" run "$WORK/usdm.yaml" --set mode=backtest --tape "$WORK/market.tape" --out "$WORK/back" --quiet
fi

# kill -9
start kill --venue binance-usdm --synth "seed=4,rate=600,volatility=30,diff-interval=100ms" --stamps wall && {
    config binance-usdm SYN1USDT >"$WORK/kill.yaml"
    session "$WORK/kill.yaml" "$WORK/kill.run" 5 KILL
    stop
    "$TAPEDECK" verify "$WORK/kill.run" >"$WORK/out" 2>&1
    same "a session that was killed is identical as far as it was written" 13 $?
    inputs=$(sed -n 's/.*identical up to input \([0-9]*\).*/\1/p' "$WORK/out")
    if [ "${inputs:-0}" -gt 100 ]; then ok "and that is far ($inputs inputs)"; else not_ok "and that is far" "$(cat "$WORK/out")"; fi
}

finish
