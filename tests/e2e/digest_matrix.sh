#!/usr/bin/env bash
# One digest for the same market and strategy: over compilers, optimisation levels and sanitizers, block sizes, the
# read-ahead thread, and a second run. On a synthetic tape, and on a real capture where there is one.
. "$(dirname "$0")/lib.sh"

capture=$DATA/binance_hftbacktest/usdm__btcusdt_20240808.gz
builds=${TAPEDECK_BUILDS:-release} # presets; scripts/test names all that it has built

"$TAPEDECK" synth "$WORK/synth-256.tape" --duration 10m --instruments 2 --bbo --block-levels 256 -q >/dev/null &&
    "$TAPEDECK" synth "$WORK/synth-65536.tape" --duration 10m --instruments 2 --bbo --block-levels 65536 -q >/dev/null ||
    not_ok "the tapes could not be made"
markets=(synth)
if [ -r "$capture" ]; then
    for size in 256 65536; do
        "$TAPEDECK" import "$capture" -o "$WORK/btcusdt-$size.tape" --block-levels $size -q >/dev/null ||
            not_ok "the capture could not be imported"
    done
    markets+=(btcusdt)
else
    skip "btcusdt" "no capture $capture"
fi

digest() { # PROGRAM CONFIG TAPE READ_AHEAD
    "$1" run "$ROOT/examples/$2.yaml" --tape "$3" --set "feed.read_ahead=$4" --no-output --json -q >"$WORK/result" &&
        json "$WORK/result" digest
}

for market in "${markets[@]}"; do
    for config in maker grid cross scripted noop; do
        wanted=$(digest "$TAPEDECK" $config "$WORK/$market-65536.tape" false)
        same "$market $config: a run gives a digest" 32 "${#wanted}"
        for preset in $builds; do
            for size in 256 65536; do
                for read_ahead in false true; do
                    same "$market $config: $preset, blocks of $size, read-ahead $read_ahead" "$wanted" \
                        "$(digest "$ROOT/build/$preset/tapedeck" $config "$WORK/$market-$size.tape" $read_ahead)"
                done
            done
        done
    done
    # A digest that never changes would pass all of the above.
    other=$("$TAPEDECK" run "$ROOT/examples/maker.yaml" --tape "$WORK/$market-256.tape" --no-output --json -q \
        --set strategy.params.half_spread=11 >"$WORK/result" && json "$WORK/result" digest)
    if [ -n "$other" ] && [ "$other" != "$(digest "$TAPEDECK" maker "$WORK/$market-256.tape" false)" ]; then
        ok "$market: another parameter gives another digest"
    else
        not_ok "$market: another parameter gives another digest" "got '$other'"
    fi
done
finish
