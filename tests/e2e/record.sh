#!/usr/bin/env bash
# Recording from the mock exchange over TLS: real captures come out as they were, at every message; disconnects are gaps and nothing
# worse; kill -9 leaves all that was flushed; certificates are checked.
. "$(dirname "$0")/lib.sh"

server=0 port=0
# start NAME OPTIONS...: a server; its summary will be the last line of NAME.json.
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
# record VENUE SYMBOLS DIR OPTIONS...: until it ends by itself. recording ...: in the background, $recorder is its pid.
record() {
    local venue=$1 symbols=$2 dir=$3
    shift 3
    "$TAPEDECK" record --venue "$venue" --symbols "$symbols" --rest "https://127.0.0.1:$port" --stream "wss://127.0.0.1:$port" \
        --ca-file "$WORK/state/ca.pem" --out "$dir" --json -q "$@"
}
recording() {
    local venue=$1 symbols=$2 dir=$3
    shift 3
    "$TAPEDECK" record --venue "$venue" --symbols "$symbols" --rest "https://127.0.0.1:$port" --stream "wss://127.0.0.1:$port" \
        --ca-file "$WORK/state/ca.pem" --out "$dir" --json -q "$@" >"$WORK/out" 2>"$WORK/err" &
    recorder=$!
}
cat_tape() { "$TAPEDECK" tape cat "$1" --json --levels 1000000 --instrument "$2"; }
# one FILE: the only file that a pattern stands for.
one() { ls $1 2>/dev/null | head -n 1; }

# served NAME VENUE TAPE SYMBOL SPEED SECONDS: what is recorded while a tape is served is what is on it.
served() {
    local name=$1 venue=$2 tape=$3 symbol=$4 speed=$5 seconds=$6 got
    cat_tape "$tape" "$symbol" >"$WORK/$name.reference"
    start "$name" --venue "$venue" --tape "$tape" --speed "$speed" --hold 1 || return
    record "$venue" "$symbol" "$WORK/$name" --duration "$seconds" >"$WORK/$name.summary" 2>"$WORK/$name.log"
    same "$name: the recording ends in good order" 0 $?
    stop
    cat_tape "$(one "$WORK/$name/market-*.tape")" "$symbol" >"$WORK/$name.recorded"
    got=$(/usr/bin/python3 tests/e2e/same_books.py "$WORK/$name.reference" "$WORK/$name.recorded" 2>&1)
    if [[ $got == "equal at "* ]]; then ok "$name: every recorded book is the venue's ($got)"; else not_ok "$name: every recorded book is the venue's" "$got"; fi
    same "$name: nothing was dropped, nothing was not understood" "0 0" "$(json "$WORK/$name.summary" dropped) $(json "$WORK/$name.summary" links.0.refused)"
    rm -f "$WORK/again.tape"
    succeeds "$name: the raw tape is read again" "$TAPEDECK" tape normalise "$(one "$WORK/$name/raw-*.tape")" --out "$WORK/again.tape"
    same "$name: and says what the market tape says" "$("$TAPEDECK" tape cat --json "$(one "$WORK/$name/market-*.tape")" | md5sum)" "$("$TAPEDECK" tape cat --json "$WORK/again.tape" | md5sum)"
    succeeds "$name: both tapes are whole" "$TAPEDECK" tape check "$WORK/$name"/*.tape
}

"$TAPEDECK" synth "$WORK/perp.tape" --duration 60s -q >/dev/null || not_ok "a synthetic tape is made"
"$TAPEDECK" synth "$WORK/spot.tape" --duration 60s --contract spot --seed 2 -q >/dev/null
served usdm binance-usdm "$WORK/perp.tape" SYN1USDT 20 5s
served spot binance-spot "$WORK/spot.tape" SYN1USDT 20 5s
same "usdm: no gap" 0 "$(json "$WORK/usdm.summary" instruments.0.gaps)"
same "spot: no gap" 0 "$(json "$WORK/spot.summary" instruments.0.gaps)"

captures=(
    "usdm-capture binance-usdm usdm__btcusdt_20240808.gz BTCUSDT binance_hftbacktest 160 7s"
    "spot-capture binance-spot spot__btcusdt_20240808.gz BTCUSDT binance_hftbacktest 160 7s"
    "upbit-capture upbit UPBIT-20210417.ws.62.0.gz KRW-LAMB upbit_cryptofeed 160 7s"
)
for capture in "${captures[@]}"; do
    read -r name venue file symbol folder speed seconds <<<"$capture"
    if [ ! -e "$DATA/$folder/$file" ]; then
        skip "$name: a real capture, served and recorded" "no $folder/$file"
        continue
    fi
    "$TAPEDECK" import "$DATA/$folder/$file" --out "$WORK/$name.tape" -q >/dev/null
    served "$name" "$venue" "$WORK/$name.tape" "$symbol" "$speed" "$seconds"
done

# Two venues at once, from a config.
start first --venue binance-usdm --tape "$WORK/perp.tape" --speed 10 && {
    first=$server first_port=$port
    start second --venue binance-spot --tape "$WORK/spot.tape" --speed 10 && {
        cat >"$WORK/two.yaml" <<END
feed:
  live:
    - {venue: binance-usdm, symbols: [SYN1USDT], rest: "https://127.0.0.1:$first_port", stream: "wss://127.0.0.1:$first_port"}
    - {venue: binance-spot, symbols: [SYN1USDT], rest: "https://127.0.0.1:$port", stream: "wss://127.0.0.1:$port"}
session: {ca_file: "$WORK/state/ca.pem"}
END
        succeeds "two venues are recorded at once" "$TAPEDECK" record "$WORK/two.yaml" --out "$WORK/two" --duration 4s -q --json
        cp "$WORK/out" "$WORK/two.summary"
        for i in 0 1; do
            if [ "$(json "$WORK/two.summary" instruments.$i.messages)" -gt 100 ]; then ok "both are heard: $(json "$WORK/two.summary" instruments.$i.venue)"; else not_ok "both are heard: $i"; fi
        done
        stop
    }
    server=$first
    stop
}

# Connections that end all the time: gaps, and nothing wrong.
cat_tape "$WORK/perp.tape" SYN1USDT >"$WORK/storm.reference"
start storm --venue binance-usdm --tape "$WORK/perp.tape" --speed 5 --hold 1 --fault drop_connection=2s --fault drop=0.5% --fault depth_gap=0.5% && {
    record binance-usdm SYN1USDT "$WORK/storm" --duration 9s >"$WORK/storm.summary" 2>"$WORK/storm.log"
    stop
    cat_tape "$(one "$WORK/storm/market-*.tape")" SYN1USDT >"$WORK/storm.recorded"
    got=$(/usr/bin/python3 tests/e2e/same_books.py "$WORK/storm.reference" "$WORK/storm.recorded" 2>&1)
    if [[ $got =~ ^"equal at ".*" "([1-9][0-9]*)" gaps" ]]; then ok "a storm of disconnects: gaps, and no wrong level ($got)"; else not_ok "a storm of disconnects: gaps, and no wrong level" "$got" "$(tail -n 5 "$WORK/storm.log")"; fi
}

# kill -9: what is on the tapes is right, and the raw tape gives what the market tape lost.
start killed --venue binance-usdm --tape "$WORK/perp.tape" --speed 5 --hold 1 && {
    recording binance-usdm SYN1USDT "$WORK/killed"
    sleep 6
    kill -9 $recorder
    wait $recorder 2>/dev/null
    same "kill -9: it died of that" 137 $?
    stop
    for kind in raw market; do
        tape=$(one "$WORK/killed/$kind-*.tape")
        "$TAPEDECK" tape repair "$tape" >"$WORK/out" 2>&1
        succeeds "kill -9: the $kind tape is repaired" "$TAPEDECK" tape check "$tape"
    done
    cat_tape "$(one "$WORK/killed/market-*.tape")" SYN1USDT >"$WORK/killed.recorded"
    got=$(/usr/bin/python3 tests/e2e/same_books.py "$WORK/storm.reference" "$WORK/killed.recorded" 2>&1)
    if [[ $got == "equal at "*" 0 gaps,"* ]]; then ok "kill -9: what was flushed is right ($got)"; else not_ok "kill -9: what was flushed is right" "$got"; fi
}

# Trust.
start trust --venue binance-usdm --tape "$WORK/perp.tape" && {
    "$TAPEDECK" record --venue binance-usdm --symbols SYN1USDT --rest "https://127.0.0.1:$port" --stream "wss://127.0.0.1:$port" \
        --out "$WORK/trust" --duration 2s -q >"$WORK/out" 2>"$WORK/err"
    same "a certificate of an unknown authority is refused" 5 $?
    if grep -q "certificate" "$WORK/err"; then ok "and that is said"; else not_ok "and that is said" "$(cat "$WORK/err")"; fi
    record binance-usdm NOPE "$WORK/trust" --duration 2s >"$WORK/out" 2>"$WORK/err"
    same "a symbol that the venue does not list is refused" 5 $?
    stop
}
finish
