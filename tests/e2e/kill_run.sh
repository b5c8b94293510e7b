#!/usr/bin/env bash
# kill -9 at random moments of a run, from its first millisecond to the writing of its manifest: `verify` executes it
# again and finds the same up to the last flush, `evidence` finds nothing changed, and a bundle of it does the same.
. "$(dirname "$0")/lib.sh"
cd "$WORK"

rounds=${KILL_ROUNDS:-8}
seed=${KILL_SEED:-$(date +%s)}
RANDOM=$seed
echo "# seed $seed (KILL_SEED repeats the waits, KILL_ROUNDS makes more of them; what they hit is up to the machine)"

"$TAPEDECK" synth day.tape --duration 30m -q >/dev/null || not_ok "no tape to begin with"
cp "$ROOT/examples/grid.yaml" run.yaml
begin=$(date +%s%N)
"$TAPEDECK" run run.yaml --tape day.tape -q --set journal=on --out whole >/dev/null || not_ok "the whole run failed"
span_us=$((($(date +%s%N) - begin) / 1000))
echo "# a whole run takes $((span_us / 1000)) ms"

declare -A seen
bad=0
for ((round = 1; round <= rounds; round++)); do
    random=$((RANDOM * 32768 + RANDOM))
    # In turn: its first milliseconds, all of it, its end; and at a pace, so that it is killed far into flushed seconds.
    pace=max
    case $((round % 4)) in
    0) wait_us=$((random % 8000)) ;;
    1) wait_us=$((random % span_us)) ;;
    2) wait_us=$((span_us * 9 / 10 + random % (span_us / 5))) ;;
    3) wait_us=$((random % 4000000)) pace=300x ;;
    esac
    journal=$([ $((random / 7 % 2)) = 0 ] && echo on || echo off)
    rm -rf killed killed.tar.zst
    (exec "$TAPEDECK" run run.yaml --tape day.tape -q --set journal=$journal --set feed.speed=$pace --out killed \
        >/dev/null 2>&1) &
    pid=$!
    sleep "$(printf '%d.%06d' $((wait_us / 1000000)) $((wait_us % 1000000)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null

    "$TAPEDECK" verify killed -q >out 2>err
    code=$?
    "$TAPEDECK" evidence killed >out.evidence 2>err.evidence
    evidence=$?
    if [ ! -e killed/config.yaml ]; then
        state=nothing wanted=5/5 # killed before it wrote anything
    elif [ ! -e killed/start.json ]; then
        state=unbegun wanted=12/12 # not one input was handled
    elif [ ! -e killed/result.json ]; then
        state=killed wanted=13/12
    elif [ ! -e killed/manifest.json ]; then
        state=unsealed wanted=0/12 # all is there but the manifest
    else
        state=ended wanted=0/0
    fi
    seen[$state]=$((${seen[$state]:-0} + 1))
    if [ $code/$evidence != $wanted ]; then
        bad=$((bad + 1))
        echo "# round $round, $wait_us us, pace $pace, journal $journal: $state, exit codes $code/$evidence," \
            "wanted $wanted: $(cat out err out.evidence err.evidence | tail -n 5 | tr '\n' ' ')"
        cp -r killed "/tmp/tapedeck-killed-run-$seed-$round"
    fi
    if [ $state = killed ] && [ $((round % 3)) = 0 ]; then
        "$TAPEDECK" bundle killed --with-tapes --out killed.tar.zst >out 2>err
        bundled=$?
        "$TAPEDECK" verify killed.tar.zst -q >out 2>err
        code=$?
        seen[bundled]=$((${seen[bundled]:-0} + 1))
        if [ $bundled/$code != 12/13 ]; then
            bad=$((bad + 1))
            echo "# round $round: its bundle: exit codes $bundled/$code: $(cat out err | tail -n 3 | tr '\n' ' ')"
        fi
    fi
done 2>/dev/null # the shell's own words on each kill
what=$(for state in nothing unbegun killed unsealed ended bundled; do printf '%s %s ' $state "${seen[$state]:-0}"; done)
same "kill -9, $rounds times ($what): the evidence holds up to the last flush" 0 $bad
if [ "${seen[killed]:-0}" -ge $((rounds / 4)) ]; then ok "enough kills hit the middle"; else not_ok "enough kills hit the middle" "$what"; fi

# What was flushed is not taken on trust: a digit changed in it is found.
cp -r whole forged && rm -f forged/result.json forged/manifest.json forged/timing.json forged/tail.txt
"$TAPEDECK" verify forged -q >out 2>err
same "without its result, a whole run is the same to its last row" 13 $?
line=$(($(wc -l <forged/orders.csv) / 2))
sed -i "${line}s/,limit,/,market,/" forged/orders.csv
"$TAPEDECK" verify forged -q >out 2>err
same "a forged row: the exit code" 1 $?
if grep -q "DIFFERS in line $line of orders.csv, after input [0-9]*$" out; then
    ok "a forged row: named with its line"
else
    not_ok "a forged row: named with its line" "$(head -n 3 out)" "$(cat err)"
fi
finish
