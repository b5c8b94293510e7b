# matrix_lib.sh: read by the two digest matrices (digest_matrix.sh, ../long/digest_matrix.sh): the runs that every column of
# them makes. A column is a program, and words to put before it (an emulator, valgrind).

# Whatever may go wrong, late market data, and an impact of our own.
hard=(outage_every=2m outage_length=5s outage_market=stops line_cut_every=90s line_cut_length=3s channel_cut_every=60s
    channel_cut_length=4s request_loss=0.01 answer_loss=0.02 answer_late=0.05 answer_delay=300ms)
hard=("${hard[@]/#/venue.faults.}" feed.latency.model=lognormal feed.latency.delay=5ms feed.latency.sigma=0.5
    feed.latency.burst=200ms venue.impact.coefficient=0.7 venue.impact.volatility=0.03 venue.impact.volume=1000)

matrix_cases="bad_day contracts level3 bracket journal four_tapes"

# matrix_tapes PROGRAM: the tapes of these cases, of two minutes, into $WORK.
matrix_tapes() {
    local n from=(00:00 00:30 01:00 01:30 59:59)
    "$1" synth "$WORK/matrix.tape" --level both --l3 "$WORK/matrix-l3.tape" --duration 2m --bbo -q >/dev/null || return 1
    # Several lanes: each is read and decoded by a thread of its own when that is asked for.
    for n in 0 1 2 3; do
        "$1" tape cut "$WORK/matrix.tape" --out "$WORK/lane-$n.tape" --from "2024-01-01T00:${from[n]}Z" \
            --to "2024-01-01T00:${from[n + 1]}Z" >/dev/null || return 1
    done
    printf 'ts,rate\n2024-01-01T00:00:30Z,0.03\n2024-01-01T00:01:00Z,-0.03\n2024-01-01T00:01:30Z,0.02\n' \
        >"$WORK/funding.csv"
}

# matrix_digest CASE READ_AHEAD PROGRAM...: the digest of one run; its standard error is left in $WORK/err.
matrix_digest() {
    local case=$1 ahead=$2 config=maker output=(--no-output) tapes=("$WORK/matrix.tape") settings=() setting
    shift 2
    case $case in
    bad_day) settings=("${hard[@]}") ;;
    contracts) # funding, margin and liquidations
        config=cross
        settings=(strategy.params.bar=3s venue.margin.mode=cross venue.margin.leverage=20 venue.margin.maintenance=0.02
            venue.margin.liquidation_fee=0.01 venue.funding.source=file "venue.funding.file=$WORK/funding.csv"
            account.balances.USDT=100)
        ;;
    level3)
        tapes=("$WORK/matrix-l3.tape")
        settings=(venue.queue=l3_fifo)
        ;;
    bracket) settings=(venue.bracket=true venue.queue=power venue.queue_exponent=2) ;;
    journal)
        settings=(journal=on engine.checks=all venue.queue=log)
        output=(--out "$WORK/journal" --force)
        ;;
    four_tapes) tapes=("$WORK"/lane-{0,1,2,3}.tape) ;;
    esac
    local words=()
    for setting in "feed.read_ahead=$ahead" "${settings[@]}"; do
        words+=(--set "$setting")
    done
    "$@" run "$ROOT/examples/$config.yaml" --tape "${tapes[@]}" "${words[@]}" "${output[@]}" --json -q >"$WORK/result" \
        2>"$WORK/err" && json "$WORK/result" digest
}
