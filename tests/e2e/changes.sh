#!/usr/bin/env bash
# Deliberate changes of a small project (tests/changes), each with the exit code that `tapedeck ci run` has to end with.
. "$(dirname "$0")/lib.sh"

build() { # in the repository
    ${CC:-cc} -O2 -g -std=gnu17 -fPIC -Wall -Wextra -ffp-contract=off -isystem "$ROOT" -shared -o quotes.so quotes.c
}
field() { # NAME FILE
    sed -n "s/^# $1: //p" "$2" | head -n 1
}
export TAPEDECK

recorded=$WORK/recorded
cp -r "$ROOT/tests/changes/repository" "$recorded"
cd "$recorded" || exit 1
succeeds "the strategy is built" build
"$TAPEDECK" synth market.tape --duration 1m --seed 5 -q >/dev/null || not_ok "the tape could not be made"
succeeds "baselines and their runs are recorded" "$TAPEDECK" ci record suite.yaml --runs "$WORK/runs"
same "a run is kept by the digest of its baseline" "quotes-$(json baselines/quotes.json digest)" "$(ls "$WORK/runs")"

for change in "$ROOT"/tests/changes/changes/*; do
    name=$(basename "$change")
    rm -rf "$WORK/now"
    cp -r "$recorded" "$WORK/now"
    cd "$WORK/now" || exit 1
    case $name in
    *.patch) patch -p1 -s <"$change" >"$WORK/out" 2>&1 || not_ok "$name applies" "$(cat "$WORK/out")" ;;
    *.sh) bash -eu "$change" >"$WORK/out" 2>&1 || not_ok "$name is made" "$(cat "$WORK/out")" ;;
    esac
    build 2>"$WORK/err" || not_ok "$name is built" "$(cat "$WORK/err")"
    for way in exit strict; do
        strict=
        [ $way = exit ] || strict=--strict
        # shellcheck disable=SC2086 # a word or none
        "$TAPEDECK" ci run suite.yaml --runs "$WORK/runs" $strict >"$WORK/out" 2>"$WORK/err"
        got=$?
        wanted=$(field $way "$change")
        if [ "$got" = "$wanted" ]; then
            ok "$name${strict:+, strict}: exit code $wanted"
        else
            not_ok "$name${strict:+, strict}: exit code $wanted" "got $got" "$(cat "$WORK/out" "$WORK/err")"
        fi
    done
    if grep -qF -- "$(field says "$change")" "$WORK/out" "$WORK/err"; then
        ok "$name: it says why"
    else
        not_ok "$name: it says why" "no line with: $(field says "$change")" "$(cat "$WORK/out" "$WORK/err")"
    fi
    if grep -q '^  digest ' "$WORK/out" && ! grep -q '^  first difference: [^n]' "$WORK/out"; then
        not_ok "$name: the first difference is named" "$(cat "$WORK/out" "$WORK/err")"
    fi
done
finish
