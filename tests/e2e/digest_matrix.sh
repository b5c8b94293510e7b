#!/usr/bin/env bash
# One digest for the same market and strategy: over compilers, optimisation levels and sanitizers, block sizes, the
# read-ahead threads, random and fixed addresses, and a second run. On a synthetic tape, and on a real capture where there
# is one; funding, margin, faults, level 3, a bracket, a journal and several tapes among the runs. The columns that take
# long (link-time optimisation, valgrind, musl, aarch64) are in tests/long/digest_matrix.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix_lib.sh"

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

# ---- one run each of what else there is
matrix_tapes "$TAPEDECK" || not_ok "the tapes could not be made"
for case in $matrix_cases; do
    wanted=$(matrix_digest $case false "$TAPEDECK")
    same "$case: a run gives a digest" 32 "${#wanted}"
    # The models beside a run and its journal change nothing of it.
    case $case in
    bracket) plain=(--set venue.queue=power --set venue.queue_exponent=2) ;;
    journal) plain=(--set venue.queue=log) ;;
    *) plain=() ;;
    esac
    if [ ${#plain[@]} -ne 0 ]; then
        "$TAPEDECK" run "$ROOT/examples/maker.yaml" --tape "$WORK/matrix.tape" "${plain[@]}" -n --json -q >"$WORK/result"
        same "$case: the same digest without it" "$wanted" "$(json "$WORK/result" digest)"
    fi
    for preset in $builds; do
        same "$case: $preset, more threads" "$wanted" "$(matrix_digest $case true "$ROOT/build/$preset/tapedeck")"
    done
    if setarch -R true 2>/dev/null; then
        same "$case: addresses not random" "$wanted" "$(matrix_digest $case true setarch -R "$TAPEDECK")"
    else
        skip "$case: addresses not random" "setarch -R is not to be had here"
    fi
done
matrix_digest contracts false "$TAPEDECK" >/dev/null
payments=$(json "$WORK/result" counters.payments) liquidations=$(json "$WORK/result" venue.contracts.liquidations)
if [ "$payments" -gt 0 ] && [ "$liquidations" -gt 0 ]; then
    ok "contracts: funding is paid, and positions are liquidated"
else
    not_ok "contracts: funding is paid, and positions are liquidated" "$payments payments, $liquidations liquidations"
fi
finish
