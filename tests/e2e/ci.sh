#!/usr/bin/env bash
# `tapedeck ci`: deliberate changes, each with the exit code that it has to end with. Baselines are recorded here, in a
# folder of our own: digests of the repository's examples may move.
. "$(dirname "$0")/lib.sh"

suite=$WORK/suite
fresh() { # a suite with one case of a tape and two of made markets, recorded
    rm -rf "$suite"
    mkdir "$suite"
    cp "$ROOT"/examples/{maker,grid,noop}.yaml "$suite"
    cp "$WORK/market.tape" "$suite/market.tape"
    cat >"$suite/suite.yaml" <<'YAML'
tolerances:
  win_rate: {absolute: "0.01"}
cases:
  - name: maker
    config: maker.yaml
    synth: {seed: 7, duration: 1m}
  - name: grid
    config: grid.yaml
    seed: 3
    synth: {seed: 11, duration: 1m}
  - name: tape
    config: maker.yaml
    tapes: [market.tape]
YAML
    "$TAPEDECK" ci record "$suite/suite.yaml" >"$WORK/out" 2>"$WORK/err"
}
# code NAME WANTED ARGUMENT...: `tapedeck ci` ends with this exit code; what it said is in $WORK/out and $WORK/err.
code() {
    local name=$1 wanted=$2 got
    shift 2
    "$TAPEDECK" ci "$@" >"$WORK/out" 2>"$WORK/err"
    got=$?
    if [ $got -eq "$wanted" ]; then ok "$name: exit code $wanted"; else not_ok "$name: exit code $wanted" "got $got of: ci $*" "$(cat "$WORK/out" "$WORK/err")"; fi
}
says() { # NAME PATTERN
    if grep -qE -- "$2" "$WORK/out" "$WORK/err"; then ok "$1"; else not_ok "$1" "no line like: $2" "$(cat "$WORK/out" "$WORK/err")"; fi
}
change() { # FILE SED
    sed -i "$2" "$suite/$1"
}

"$TAPEDECK" synth "$WORK/market.tape" --duration 1m --seed 5 -q >/dev/null || not_ok "the tape could not be made"

# ---- nothing changed ----
fresh && ok "baselines are recorded" || not_ok "baselines are recorded" "$(cat "$WORK/out" "$WORK/err")"
code "nothing changed" 0 run "$suite/suite.yaml"
sums=$(cat "$suite"/baselines/*.json | sha256sum)
code "recording again" 0 record "$suite/suite.yaml"
says "it says that nothing changed" '^maker +unchanged'
same "recording again leaves the files as they are" "$sums" "$(cat "$suite"/baselines/*.json | sha256sum)"
"$TAPEDECK" ci run "$suite/suite.yaml" --json --jobs 1 >"$WORK/one"
"$TAPEDECK" ci run "$suite/suite.yaml" --json --jobs 3 >"$WORK/three"
same "cases at a time change no byte of the result" "$(sha256sum <"$WORK/one")" "$(sha256sum <"$WORK/three")"
same "the cases are in the order of the suite" "maker grid tape" \
    "$(json "$WORK/three" cases.0.name) $(json "$WORK/three" cases.1.name) $(json "$WORK/three" cases.2.name)"

# ---- metrics ----
fresh
change maker.yaml 's/maker: "0.0002"/maker: "0.0003"/'
code "a fee" 23 run "$suite/suite.yaml"
says "it names the key" 'config venue\.fees\.maker: 0\.0002 -> 0\.0003'
says "it shows the metric with its delta" 'metric fees\.USDT: [0-9.]+ -> [0-9.]+ \(\+[0-9.]+\), bound equal  OUTSIDE'
says "it says how far the runs were the same" 'the runs (are the same up to input|part within)'
says "the other case is still identical" '^grid +identical'
code "only the case that did not change" 0 run "$suite/suite.yaml" --case grid
change suite.yaml '1a\  profit: {relative: "2"}\n  fees: {relative: "0.5"}\n  equity: {relative: "0.01"}\n  drawdown: {relative: "2"}\n  gained: {absolute: 100}\n  lost: {absolute: 100}\n  profit_factor: {relative: 10, absolute: 1}\n  wins: {absolute: 50}\n  losses: {absolute: 50}\n  win_rate: {absolute: 1}'
change suite.yaml '/win_rate: {absolute: "0.01"}/d'
code "a fee, within bounds" 11 run "$suite/suite.yaml"
fresh
change grid.yaml 's/half_spread: 20/half_spread: 24/'
code "a constant of the strategy" 23 run "$suite/suite.yaml"

# ---- the digest alone ----
fresh
change maker.yaml 's/response: 2ms/response: 2000001ns/'
code "a nanosecond of latency" 11 run "$suite/suite.yaml"
says "it says that the metrics are equal" 'the digest differs, all metrics are equal'
code "a nanosecond of latency, strict" 21 run "$suite/suite.yaml" --strict

# ---- warnings ----
fresh
change maker.yaml 's/price_collar_bp: 100/price_collar_bp: 101/'
code "a stale config" 10 run "$suite/suite.yaml"
says "it names the warning" 'warning stale_config'
code "a stale config, strict" 20 run "$suite/suite.yaml" --strict
change suite.yaml 's/^  - name: \(maker\|tape\)$/&\n    allow: [stale_config]/'
code "a stale config that is allowed, strict" 0 run "$suite/suite.yaml" --strict
fresh
echo '    set: ["venue.faults.line_cuts=2024-01-01T00:00:20Z/2s"]' >>"$suite/suite.yaml"
"$TAPEDECK" ci record "$suite/suite.yaml" >/dev/null
code "a gap in the data" 10 run "$suite/suite.yaml"
says "it names the warning" 'warning gaps: the data have gaps \([1-9]'

# ---- speed ----
fresh
echo '    speed: {ratio_max: 1000, rounds: 1}' >>"$suite/suite.yaml"
code "fast enough" 0 run "$suite/suite.yaml"
change suite.yaml 's/ratio_max: 1000/ratio_max: 0.001/'
code "slower than its bound" 22 run "$suite/suite.yaml"
says "it shows the ratio" 'speed [0-9.]+ times the bare loop, at most 0\.001'

# ---- baselines ----
fresh
rm "$suite/baselines/grid.json"
code "a missing baseline" 24 run "$suite/suite.yaml"
says "it names the file and the remedy" "baselines/grid\.json is not there: 'tapedeck ci"
fresh
change baselines/grid.json 's/"format": 1/"format": 9/'
code "a baseline of another format" 24 run "$suite/suite.yaml"
fresh
echo '{' >"$suite/baselines/grid.json"
code "a baseline that is no JSON" 24 run "$suite/suite.yaml"

# ---- what cannot be run ----
fresh
printf '\377' | dd of="$suite/market.tape" bs=1 seek=20000 conv=notrunc 2>/dev/null
code "a flipped byte in a tape" 25 run "$suite/suite.yaml"
says "the others are judged all the same" '^grid +identical'
fresh
truncate -s -40000 "$suite/market.tape"
code "a tape cut short" 25 run "$suite/suite.yaml"
fresh
rm "$suite/market.tape"
code "a tape that is not there" 25 run "$suite/suite.yaml"
fresh
change grid.yaml 's/half_spread: 20/half_sprad: 20/'
code "a wrong key in a config" 25 run "$suite/suite.yaml"
code "recording what cannot be run" 25 record "$suite/suite.yaml"

# ---- a plug-in that changes under the suite ----
# plugin SED...: the shipped plug-in project, changed so and built.
plugin() {
    rm -rf "$suite/mine"
    (cd "$suite" && "$TAPEDECK" strategy new mine >/dev/null) &&
        { [ $# -eq 0 ] || sed -i "$@" "$suite/mine/mine.c"; } && make -C "$suite/mine" >"$WORK/make" 2>&1
}
fresh
if plugin; then
    "$TAPEDECK" ci record "$suite/suite.yaml" >/dev/null
    cat >>"$suite/suite.yaml" <<'YAML'
  - name: mine
    config: mine/mine.yaml
    synth: {seed: 7, duration: 20s}
    speed: {ratio_max: 5, rounds: 2}
YAML
    "$TAPEDECK" ci record "$suite/suite.yaml" >"$WORK/out"
    code "a plug-in as it was" 0 run "$suite/suite.yaml"
    plugin '/^static void mine_book/,/^}/s/^{/{\n    nanosleep(\&(struct timespec){0, 2000000}, NULL);/; 1i #include <time.h>' ||
        not_ok "the plug-in with a sleep was built" "$(cat "$WORK/make")"
    code "an added sleep" 22 run "$suite/suite.yaml"
    plugin '/^static void mine_book/,/^}/s/^{/{\n    abort();/; 1i #include <stdlib.h>' ||
        not_ok "the plug-in that aborts was built" "$(cat "$WORK/make")"
    code "a plug-in that aborts" 25 run "$suite/suite.yaml"
    says "it says how it ended" '^mine +broken +the run was ended by signal 6'
    says "the others are judged all the same" '^grid +identical'
    plugin '/^static void mine_book/,/^}/s/^{/{\n    if (strategy_now(ctx) % 16 == 0)\n        strategy_log(ctx, LOG_INFO, "hello");/' ||
        not_ok "the plug-in with a log line was built" "$(cat "$WORK/make")"
    code "a log line more" 11 run "$suite/suite.yaml"
else
    not_ok "the plug-in was built" "$(cat "$WORK/make")"
fi

# ---- the worst wins ----
fresh
change maker.yaml 's/maker: "0.0002"/maker: "0.0003"/'
rm "$suite/baselines/grid.json"
code "metrics and a missing baseline" 24 run "$suite/suite.yaml"

# ---- the suite ----
fresh
change suite.yaml 's/^tolerances:/tolerence:/'
code "a wrong key in the suite" 3 run "$suite/suite.yaml"
says "it shows the place and a suggestion" "suite\.yaml:1:1: tolerence: unknown key \(did you mean 'tolerances'\?\)"
fresh
change suite.yaml 's/win_rate/win_rte/'
code "an unknown metric" 3 run "$suite/suite.yaml"
says "it suggests one" "did you mean 'win_rate'"
fresh
code "a case that there is not" 2 run "$suite/suite.yaml" --case gird
code "no such suite" 5 run "$suite/nothing.yaml"

# ---- files for the pipeline ----
fresh
change maker.yaml 's/maker: "0.0002"/maker: "0.0003"/'
rm "$suite/baselines/grid.json"
echo "# before" >"$WORK/summary.md"
code "with reports" 24 run "$suite/suite.yaml" --junit "$WORK/junit.xml" --markdown "$WORK/summary.md"
same "JUnit: three tests, two failures, one error" "3 2 1" "$(/usr/bin/python3 -c '
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
cases = root.findall(".//testcase")
print(len(cases), sum(c.find("failure") is not None for c in cases), sum(c.find("error") is not None for c in cases))' "$WORK/junit.xml")"
same "JUnit: a failure has its type" metrics "$(/usr/bin/python3 -c '
import sys, xml.etree.ElementTree as tree
print(tree.parse(sys.argv[1]).getroot().find(".//testcase[@name=\"maker\"]/failure").get("type"))' "$WORK/junit.xml")"
same "Markdown is added to the end" "# before" "$(head -n 1 "$WORK/summary.md")"
same "Markdown: a line a case" 3 "$(grep -cE '^\| (maker|grid|tape) \| FAIL \|' "$WORK/summary.md")"

# ---- the example ----
cp -r "$ROOT/examples" "$WORK/examples"
code "the example can be recorded" 0 record "$WORK/examples/suite.yaml"
code "and run" 0 run "$WORK/examples/suite.yaml" --case grid
finish
