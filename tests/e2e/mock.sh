#!/usr/bin/env bash
# The mock exchange over TLS, followed by strangers: curl, and a WebSocket client of another language. Books and trades
# of tapes come out as they went in, at every message; what is wrong on purpose is wrong in the way that was asked for.
. "$(dirname "$0")/lib.sh"

if ! /usr/bin/python3 -c 'import websockets' 2>/dev/null || ! command -v curl >/dev/null; then
    skip "the mock exchange is followed by third-party clients" "curl or python3-websockets is not installed (scripts/setup)"
    finish
fi

server=0
# start NAME OPTIONS...: a server whose ready line is in NAME.json and whose summary will be in NAME.json's last line.
start() {
    local name=$1
    shift
    rm -f "$WORK/$name.json"
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
    same "the server '$1' ends in good order" 130 $?
    tail -n 1 "$WORK/$1.json" >"$WORK/$1.summary"
}
follow() { timeout 100 /usr/bin/python3 tests/e2e/mock_follow.py "$@" 2>&1 | tail -n 1; }
get() { curl -sS --max-time 10 --cacert "$WORK/state/ca.pem" "$@"; }

# equal VENUE TAPE SYMBOL: books and trades of one instrument, at every message.
equal() {
    local venue=$1 tape=$2 symbol=$3 what got
    "$TAPEDECK" tape cat "$tape" --json --levels 1000000 --instrument "$symbol" >"$WORK/$symbol.json"
    for what in book trades; do
        start "$venue" --venue "$venue" --tape "$tape" --speed max || return
        got=$(follow "$WORK/$venue.ready" "$WORK/$symbol.json" $what "$symbol")
        stop "$venue"
        if [[ $got == "equal at "[1-9]* ]]; then
            ok "$venue $symbol: the $what that a stranger follows are those of $(basename "$tape") ($got)"
        else
            not_ok "$venue $symbol: the $what that a stranger follows are those of $(basename "$tape")" "$got"
        fi
    done
}

"$TAPEDECK" synth "$WORK/perp.tape" --duration 40s -q >/dev/null || not_ok "a synthetic tape is made"
"$TAPEDECK" synth "$WORK/spot.tape" --duration 40s --contract spot --seed 2 -q >/dev/null
equal binance-usdm "$WORK/perp.tape" SYN1USDT
equal binance-spot "$WORK/spot.tape" SYN1USDT

same "the keys are their owner's alone" "600 600" "$(stat -c %a "$WORK/state/ca.key" "$WORK/state/server.key" | xargs)"

# The real captures.
captures=(
    "binance-usdm usdm__btcusdt_20240808.gz BTCUSDT binance_hftbacktest"
    "binance-spot spot__btcusdt_20240808.gz BTCUSDT binance_hftbacktest"
    "upbit UPBIT-20210417.ws.62.0.gz KRW-LAMB upbit_cryptofeed"
)
for capture in "${captures[@]}"; do
    read -r venue file symbol folder <<<"$capture"
    if [ ! -e "$DATA/$folder/$file" ]; then
        skip "$venue: a real capture is followed" "no $folder/$file"
        continue
    fi
    "$TAPEDECK" import "$DATA/$folder/$file" --out "$WORK/capture.tape" -q >/dev/null
    equal "$venue" "$WORK/capture.tape" "$symbol"
done

# A market that goes on, as a trading program would begin with it.
for venue in binance-usdm binance-spot binance-coinm upbit; do
    start live --venue $venue --synth rate=9600,bbo --speed 5 || continue
    got=$(follow "$WORK/live.ready" - follow 40)
    stop live
    if [[ $got == "heard "* ]]; then ok "$venue: a stranger loads markets and hears its streams"; else not_ok "$venue: a stranger loads markets and hears its streams" "$got"; fi
    echo "# $got"
done

# Many at once; and one that does not read.
start many --venue binance-usdm --synth rate=9600 --speed 10 --clients 60 && {
    same "fifty clients hear the same" "1000 messages" "$(follow "$WORK/many.ready" - many 50)"
    stop many
}
start crowd --venue upbit --synth seed=3 --clients 2 && {
    follow "$WORK/crowd.ready" - wait 2 >/dev/null & first=$!
    follow "$WORK/crowd.ready" - wait 2 >/dev/null & second=$!
    sleep 1
    get "https://localhost:$(json "$WORK/crowd.ready" port)/v1/market/all" >/dev/null 2>&1
    wait $first $second
    stop crowd
    same "who finds no place is turned away, and counted" "2 1" "$(json "$WORK/crowd.summary" websockets) $(json "$WORK/crowd.summary" no_room)"
}
start slow_reader --venue binance-usdm --rate 20000 --out-max 256K && {
    follow "$WORK/slow_reader.ready" - idle 4 >/dev/null
    stop slow_reader
    same "a client that does not read is cut off" 1 "$(json "$WORK/slow_reader.summary" slow)"
}

# REST of a stranger, errors and limits included.
start rest --venue binance-usdm --synth seed=3 && {
    port=$(json "$WORK/rest.ready" port)
    url=https://localhost:$port
    same "an unknown symbol has the venue's error" '{"code":-1121,"msg":"Invalid symbol."}' "$(get "$url/fapi/v1/depth?symbol=NOPE")"
    same "HTTP keeps its connection" 2 "$(get -o /dev/null -o /dev/null -w '%{num_connects}\n' "$url/fapi/v1/time" "$url/fapi/v1/ping" | awk '{n += $1} END {print n + 1}')"
    same "a connection lives though nothing is said" alive "$(follow "$WORK/rest.ready" - wait 8)"
    if get --http1.1 "https://127.0.0.1:$port/fapi/v1/time" | grep -q serverTime; then ok "the certificate names 127.0.0.1 too"; else not_ok "the certificate names 127.0.0.1 too"; fi
    if curl -s --max-time 10 -o /dev/null "$url/fapi/v1/time"; then not_ok "nobody trusts the authority by himself"; else ok "nobody trusts the authority by himself"; fi
    codes=$(for _ in $(seq 135); do echo "$url/fapi/v1/depth?symbol=SYN1USDT&limit=1000"; done | xargs curl -s --max-time 30 --cacert "$WORK/state/ca.pem" -o /dev/null $(printf -- '-o /dev/null %.0s' $(seq 134)) -w '%{http_code}\n' | sort | uniq -c | xargs)
    if [[ $codes =~ ^1[12][0-9]\ 200\ [0-9]+\ 418\ 9\ 429$ ]]; then ok "too much is 429, and insisting 418"; else not_ok "too much is 429, and insisting 418" "$codes"; fi
    printf 'GET / SMTP/1.0\r\n\r\n' | timeout 5 openssl s_client -quiet -connect "localhost:$port" >"$WORK/out" 2>/dev/null
    if head -n 1 "$WORK/out" | grep -q '^HTTP/1.1 400 '; then ok "what is no HTTP is answered by 400"; else not_ok "what is no HTTP is answered by 400" "$(head -n 3 "$WORK/out")"; fi
    stop rest
}

# Faults.
start faults --venue binance-usdm --tape "$WORK/perp.tape" --speed max --fault drop=5% --fault truncate=100% && {
    got=$(follow "$WORK/faults.ready" "$WORK/SYN1USDT.json" trades SYN1USDT)
    stop faults
    if [[ $got == "trade "* ]]; then ok "a lost message is seen by who counts"; else not_ok "a lost message is seen by who counts" "$got"; fi
}
start cut --venue binance-usdm --synth seed=3 --fault truncate=100% && {
    get "https://localhost:$(json "$WORK/cut.ready" port)/fapi/v1/exchangeInfo" >/dev/null 2>&1
    same "a truncated answer is seen by curl" 18 $?
    stop cut
}
for fault in "half_open_after=1s:no answer" "life=1s:closed 1001" "drop_connection=300ms:closed without a word"; do
    start ends --venue binance-spot --synth seed=3 --fault "${fault%%:*}" && {
        same "${fault%%:*}: what a client sees" "${fault#*:}" "$(follow "$WORK/ends.ready" - wait 5)"
        stop ends
    }
done
start idle --venue upbit --synth seed=3 --http-idle 1s && {
    begin=$(date +%s%N)
    { printf 'GET /v1/market/all HTTP/1.1\r\nHost: x\r\n\r\n'; sleep 6; } | timeout 8 openssl s_client -quiet -connect "localhost:$(json "$WORK/idle.ready" port)" 2>/dev/null |
        { head -c 12 >"$WORK/out"; cat >/dev/null; echo $((($(date +%s%N) - begin) / 1000000)) >"$WORK/took"; }
    if [ "$(cat "$WORK/out")" = "HTTP/1.1 200" ] && [ "$(cat "$WORK/took")" -lt 5000 ]; then
        ok "an HTTP connection that says nothing is ended"
    else
        not_ok "an HTTP connection that says nothing is ended" "$(cat "$WORK/out") after $(cat "$WORK/took") ms"
    fi
    stop idle
}
# A market that ends: the server goes on until all was read, and ends by itself.
"$TAPEDECK" mock --venue upbit --tape "$WORK/spot.tape" --to 2024-01-01T00:00:05Z --speed max --hold 0 --exit-at-end --listen 127.0.0.1:0 \
    --state "$WORK/state" --ready-json --json -q >"$WORK/end.json" 2>"$WORK/err"
same "a server ends with its market when it is told to" 0 $?
tail -n 1 "$WORK/end.json" >"$WORK/end.summary"
same "and says how far it came" "True 2024-01-01T00:00:04" "$(json "$WORK/end.summary" market_ended) $(json "$WORK/end.summary" market_time | cut -c1-19)"
start slow --venue upbit --synth seed=3 --fault slow=100% --fault slow_time=400ms && {
    took=$(get -o /dev/null -w '%{time_total}' "https://localhost:$(json "$WORK/slow.ready" port)/v1/market/all")
    if awk "BEGIN {exit !($took >= 0.4 && $took < 5)}"; then ok "a slow answer takes its time"; else not_ok "a slow answer takes its time" "$took s"; fi
    stop slow
}
start busy --venue upbit --synth seed=3 && {
    "$TAPEDECK" mock --venue upbit --synth seed=3 --listen "127.0.0.1:$(json "$WORK/busy.ready" port)" --state "$WORK/state" >"$WORK/out" 2>&1
    same "a port that is taken is said to be" 5 $?
    stop busy
}
finish
