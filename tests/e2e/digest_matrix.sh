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

digest() { # PROGRAM CONFIG TAPE READ_AHEAD SETTINGS ...
    "$1" run "$ROOT/examples/$2.yaml" --tape "$3" --set "feed.read_ahead=$4" "${@:5}" --no-output --json -q \
        >"$WORK/result" &&
        json "$WORK/result" digest
}

# Whatever may go wrong, late market data, and an impact of our own.
hard=(outage_every=2m outage_length=5s outage_market=stops line_cut_every=90s line_cut_length=3s channel_cut_every=60s
    channel_cut_length=4s request_loss=0.01 answer_loss=0.02 answer_late=0.05 answer_delay=300ms)
hard=("${hard[@]/#/venue.faults.}" feed.latency.model=lognormal feed.latency.delay=5ms feed.latency.sigma=0.5
    feed.latency.burst=200ms venue.impact.coefficient=0.7 venue.impact.volatility=0.03 venue.impact.volume=1000)
settings=()
for setting in "${hard[@]}"; do
    settings+=(--set "$setting")
done

for market in "${markets[@]}"; do
    wanted=$(digest "$TAPEDECK" maker "$WORK/$market-65536.tape" false "${settings[@]}")
    same "$market maker on a bad day: a run gives a digest" 32 "${#wanted}"
    for preset in $builds; do
        for size in 256 65536; do
            same "$market maker on a bad day: $preset, blocks of $size" "$wanted" \
                "$(digest "$ROOT/build/$preset/tapedeck" maker "$WORK/$market-$size.tape" true "${settings[@]}")"
        done
    done
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
