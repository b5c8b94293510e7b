#!/usr/bin/env bash
# kill -9 at random moments of a recording: what is left repairs to the longest valid prefix of the whole recording.
. "$(dirname "$0")/lib.sh"

rounds=200
seed=${KILL_SEED:-$(date +%s)}
RANDOM=$seed
echo "# seed $seed (KILL_SEED repeats the waits; what they hit is up to the machine)"

# Small blocks and a bounded rate make the recording slow enough to be hit in the middle.
record() { exec "$TAPEDECK" synth "$1" --duration 2m --bbo --block-levels 64 -q >/dev/null; }

# Messages in the blocks that are whole in a file, counted by walking its seals (data/TAPE.md, section 2).
whole_messages() {
    /usr/bin/python3 -c '
import struct, sys
data, at, count = open(sys.argv[1], "rb").read(), 0, 0
while at + 128 <= len(data) and data[at + 8:at + 16] == b"TAPEDECK":
    stored, messages = struct.unpack_from("<I4xI", data, at + 20)
    if at + 128 + stored > len(data):
        break
    count, at = count + messages, at + 128 + stored
print(count)' "$1"
}

begin=$(date +%s%N)
(record "$WORK/whole.tape") || not_ok "the recording failed"
span_ms=$((($(date +%s%N) - begin) / 1000000))
"$TAPEDECK" tape cat "$WORK/whole.tape" --json >"$WORK/whole.json"
whole=$(wc -l <"$WORK/whole.json")
echo "# a whole recording takes $span_ms ms and has $whole messages"

bad=0 partial=0 empty=0 complete=0
for ((round = 1; round <= rounds; round++)); do
    tape=$WORK/killed.tape
    rm -f "$tape" "$tape.bak" "$WORK/repaired.tape"
    (record "$tape") 2>/dev/null &
    pid=$!
    sleep "$(printf '0.%04d' $((RANDOM % (span_ms * 10 + 10) % 10000)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ ! -s "$tape" ]; then
        empty=$((empty + 1)) # killed before the header was out: nothing recorded, nothing to repair
        continue
    fi
    "$TAPEDECK" tape repair "$tape" --out "$WORK/repaired.tape" --json >"$WORK/out" 2>"$WORK/err"
    code=$?
    if [ $code -gt 1 ] && [ "$(stat -c %s "$tape")" -lt 1024 ]; then
        empty=$((empty + 1)) # killed inside the header
        continue
    fi
    [ $code -eq 0 ] && [ ! -e "$WORK/repaired.tape" ] && cp "$tape" "$WORK/repaired.tape" # it was whole: left alone
    if [ $code -gt 1 ] || ! "$TAPEDECK" tape check "$WORK/repaired.tape" >>"$WORK/out" 2>&1; then
        bad=$((bad + 1))
        echo "# round $round: repair ended with $code: $(tail -n 3 "$WORK/err" "$WORK/out" | tr '\n' ' ')"
        cp "$tape" "/tmp/tapedeck-killed-$seed-$round.tape"
        continue
    fi
    "$TAPEDECK" tape cat "$WORK/repaired.tape" --json >"$WORK/part.json"
    part=$(wc -l <"$WORK/part.json")
    wanted=$(whole_messages "$tape")
    if [ "$part" -ne "$wanted" ]; then
        bad=$((bad + 1))
        echo "# round $round: $part messages repaired, but $wanted are in whole blocks"
    elif ! head -n "$part" "$WORK/whole.json" | cmp -s - "$WORK/part.json"; then
        bad=$((bad + 1))
        echo "# round $round: $part messages that are not the first $part of the recording"
    elif [ "$part" -eq "$whole" ]; then
        complete=$((complete + 1))
    else
        partial=$((partial + 1))
    fi
done
echo "# $rounds kills: $partial in the middle, $empty before the first block, $complete after the end"
same "every tape repairs to the longest valid prefix of the recording" 0 "$bad"
if [ $partial -ge $((rounds / 4)) ]; then
    ok "enough kills hit the middle"
else
    not_ok "enough kills hit the middle" "only $partial of $rounds"
fi
finish
