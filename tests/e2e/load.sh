#!/usr/bin/env bash
# Tens of thousands of depth frames a second over TLS: recording and a session on paper keep up, nothing is dropped, and
# what it cost is printed. TAPEDECK_LOAD_RATE and TAPEDECK_LOAD_TIME make it 50,000 a second for ten minutes
# (TAPEDECK_LOAD_RATE=50000 TAPEDECK_LOAD_TIME=600); without them it is short, and slow enough for a busy machine.
. "$(dirname "$0")/lib.sh"
RATE=${TAPEDECK_LOAD_RATE:-5000}
TIME=${TAPEDECK_LOAD_TIME:-4}

"$TAPEDECK" mock --venue binance-usdm --rate "$RATE" --listen 127.0.0.1:0 --state "$WORK/state" --no-limits \
    --out-max 256M --ready-json --json -q --duration $((TIME + 60))s >"$WORK/mock.json" 2>"$WORK/mock.err" &
server=$!
for _ in $(seq 200); do
    [ -s "$WORK/mock.json" ] && grep -q '}$' "$WORK/mock.json" && break
    kill -0 $server 2>/dev/null || break
    sleep 0.05
done
if ! head -n 1 "$WORK/mock.json" >"$WORK/ready" || [ ! -s "$WORK/ready" ]; then
    not_ok "the server says that it is ready" "$(cat "$WORK/mock.err")"
    finish
fi
port=$(json "$WORK/ready" port)
# recording OPTIONS...: a tape pair in tapes, the summary in record.json
recording() {
    "$TAPEDECK" record --venue binance-usdm --symbols SYN1USDT --streams book --rest "https://127.0.0.1:$port" \
        --stream "wss://127.0.0.1:$port" --ca-file "$WORK/state/ca.pem" --out "$WORK/tapes" --one-pair --json -q "$@" \
        >"$WORK/record.json" 2>"$WORK/record.err"
}
recording --duration 2s --set session.io=inline
same "a recording without a thread for the sockets ends well" 0 $?
same "and drops nothing" "0 0" "$(json "$WORK/record.json" dropped) $(json "$WORK/record.json" instruments.0.gaps)"
if [ "$(json "$WORK/record.json" instruments.0.messages)" -ge $((RATE / 2)) ]; then ok "its frames are on the tape"; else not_ok "its frames are on the tape" "$(cat "$WORK/record.json")"; fi
rm -rf "$WORK/tapes"
recording --duration "${TIME}s"
same "a recording of $RATE frames a second ends well" 0 $?
kill -INT $server
wait $server
tail -n 1 "$WORK/mock.json" >"$WORK/mock.summary"

same "nothing was dropped" 0 "$(json "$WORK/record.json" dropped)"
same "no gap" 0 "$(json "$WORK/record.json" instruments.0.gaps)"
same "the server cut nobody off" 0 "$(json "$WORK/mock.summary" slow)"
messages=$(json "$WORK/record.json" instruments.0.messages)
# The first second goes into the handshake and the first book.
if [ "$messages" -ge $((RATE * (TIME - 1) * 9 / 10)) ]; then ok "the frames of $TIME s are on the tape"; else not_ok "the frames of $TIME s are on the tape" "$messages"; fi
"$TAPEDECK" tape check "$WORK"/tapes/market-*.tape --json >"$WORK/check.json" 2>&1
same "the market tape is in order" 0 $?
"$TAPEDECK" tape check "$WORK"/tapes/raw-*.tape --json >"$WORK/check.json" 2>&1
same "the raw tape is in order" 0 $?
share=$(json "$WORK/record.json" cpu_share)
if /usr/bin/python3 -c "import sys; sys.exit(not 0 < $share < 2)"; then ok "its share of a core is told"; else not_ok "its share of a core is told" "$share"; fi
echo "# $messages frames in $TIME s, $(json "$WORK/record.json" ring_most) of $(json "$WORK/record.json" ring_bytes) bytes of the ring at most, $share of a core"
rm -rf "$WORK/tapes"

# The same through the engine, with a strategy and a journal.
"$TAPEDECK" bench --live --rate "$RATE" --duration "${TIME}s" --step 0s --spin 0s --dir "$WORK" --json >"$WORK/live.json" 2>"$WORK/live.err"
same "a session on paper of $RATE frames a second ends well" 0 $?
same "and drops nothing" 0 "$(json "$WORK/live.json" session.dropped)"
holds=$(/usr/bin/python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
s = r["session"]
print(s["samples"] >= 0.9 * s["frames"] and 0 < r["frame_to_callback_ns_p50"] <= r["frame_to_callback_ns_p99"] and r["parse_bytes_per_s"] > 0)' "$WORK/live.json")
same "every frame was timed at the strategy" True "$holds"
same "nothing is left behind" "" "$(find "$WORK" -name 'tapedeck-bench-*')"
echo "# $(json "$WORK/live.json" session.frames) frames, P50 $(json "$WORK/live.json" frame_to_callback_ns_p50) ns, P99 $(json "$WORK/live.json" frame_to_callback_ns_p99) ns, $(json "$WORK/live.json" session.cpu_share) of a core"
finish
