#!/usr/bin/env bash
# The columns of the digest matrix that take long: link-time optimisation, memcheck, a static build with musl, and
# aarch64. scripts/setup-matrix installs what they need; what is not there is named, and not run. The digests wanted are
# those of the release build; tests/e2e/digest_matrix.sh holds the other builds against it.
#
#   tests/long/digest_matrix.sh          or: scripts/test --long
#   MATRIX_COLUMNS="musl aarch64" ...    only these
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/e2e/matrix_lib.sh"

columns=${MATRIX_COLUMNS:-lto valgrind musl aarch64}
tree=$ROOT/build/sysroot-arm64/tree
arch=$(uname -m)
matrix_tapes "$TAPEDECK" || not_ok "the tapes could not be made"
declare -A wanted
for case in $matrix_cases; do
    wanted[$case]=$(matrix_digest $case false "$TAPEDECK")
    same "$case: a run gives a digest" 32 "${#wanted[$case]}"
done

# column NAME PROGRAM...: every case, and a tape made there, byte for byte.
column() {
    local name=$1 case begin=$SECONDS
    shift
    for case in $matrix_cases; do
        local got
        got=$(matrix_digest $case true "$@")
        if [ "${wanted[$case]}" = "$got" ]; then
            ok "$name: $case"
        else
            not_ok "$name: $case" "wanted: ${wanted[$case]}" "got:    $got" "$(tail -n 5 "$WORK/err")"
        fi
    done
    "$@" synth "$WORK/again.tape" --level both --l3 "$WORK/again-l3.tape" --duration 2m --bbo --force -q >/dev/null 2>"$WORK/err"
    if cmp -s "$WORK/matrix.tape" "$WORK/again.tape" && cmp -s "$WORK/matrix-l3.tape" "$WORK/again-l3.tape"; then
        ok "$name: a made tape is the same to the byte"
    else
        not_ok "$name: a made tape is the same to the byte" "$(tail -n 5 "$WORK/err")"
    fi
    echo "# $name: $((SECONDS - begin)) s"
}

# build NAME CMAKE_WORD...: the program, in build/NAME.
build() {
    local name=$1
    shift
    cmake -S "$ROOT" -B "$ROOT/build/$name" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTAPEDECK_TESTS=OFF "$@" \
        >"$WORK/build.log" 2>&1 &&
        ninja -C "$ROOT/build/$name" tapedeck >>"$WORK/build.log" 2>&1
}

# ---- link-time optimisation
for compiler in gcc clang; do
    [[ $columns == *lto* ]] || continue
    cxx=$([ $compiler = gcc ] && echo g++ || echo clang++)
    if ! command -v $cxx >/dev/null; then
        skip "lto-$compiler" "no $cxx here"
    elif build lto-$compiler -DCMAKE_C_COMPILER=$compiler -DCMAKE_CXX_COMPILER=$cxx -DCMAKE_C_FLAGS=-flto \
        -DCMAKE_CXX_FLAGS=-flto -DCMAKE_EXE_LINKER_FLAGS="-flto$([ $compiler = clang ] && echo ' -fuse-ld=lld')"; then
        column lto-$compiler "$ROOT/build/lto-$compiler/tapedeck"
    elif [ $compiler = clang ] && ! command -v ld.lld >/dev/null && ! command -v ld.lld-14 >/dev/null; then
        skip "lto-clang" "no linker here that reads its objects (lld)"
    else
        not_ok "lto-$compiler: it builds" "$(tail -n 20 "$WORK/build.log")"
    fi
done

# ---- memcheck, at the optimisation that users run
if [[ $columns != *valgrind* ]]; then
    :
elif command -v valgrind >/dev/null; then
    column valgrind valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --suppressions="$ROOT/tests/long/valgrind.supp" "$TAPEDECK"
else
    skip valgrind "no valgrind here (scripts/setup-matrix)"
fi

# ---- musl: the libraries that the program needs are not to be had for it; the part that decides is
if [[ $columns != *musl* ]]; then
    :
elif [ "$arch" != x86_64 ] || ! command -v musl-gcc >/dev/null; then
    skip musl "no musl-gcc here (scripts/setup-matrix)"
else
    mkdir -p "$ROOT/build/musl/include"
    cp /usr/include/xxhash.h "$ROOT/build/musl/include/" # header only; nothing else of the system's headers
    cd "$ROOT" || exit 1
    if musl-gcc -std=gnu17 -O2 -static -ffp-contract=off -fno-strict-aliasing -fno-math-errno -I. -Ibuild/musl/include \
        tests/long/driver.c cli/strategy_params.c cli/values.c core/*.c sim/*.c strategies/*.c feeds/synth*.c \
        -o build/musl/driver >"$WORK/build.log" 2>&1; then
        for run in "maker size=0.01" "grid size=0.002 levels=20" "cross bar=5s size=0.05 fast=2 slow=4" noop; do
            read -r strategy params <<<"$run"
            yaml="feed: {synth: {duration: 10m}}
venue: {latency: {entry: 2ms, response: 2ms}}
account: {balances: {USDT: \"100000\"}}
strategy: {name: $strategy}"
            echo "$yaml" >"$WORK/musl.yaml"
            words=()
            for param in $params; do
                words+=(--set "strategy.params.$param")
            done
            "$TAPEDECK" run "$WORK/musl.yaml" "${words[@]}" --no-output --json -q >"$WORK/result"
            # shellcheck disable=SC2086 # words
            same "musl (core, sim, strategies, made market; static): $strategy" \
                "$(json "$WORK/result" digest) $(json "$WORK/result" fills)" "$(build/musl/driver $strategy 600 $params)"
        done
        echo "# musl: not run: reading tapes and configs (zstd, fyaml, jansson, openssl are not packaged for musl)"
    else
        not_ok "musl: it builds" "$(tail -n 20 "$WORK/build.log")"
    fi
fi

# ---- aarch64: the whole program, emulated
if [[ $columns != *aarch64* ]]; then
    :
elif [ "$arch" = aarch64 ]; then
    skip aarch64 "this is one: the other columns ran on it"
elif ! command -v qemu-aarch64-static >/dev/null || ! command -v aarch64-linux-gnu-g++ >/dev/null || [ ! -d "$tree" ]; then
    skip aarch64 "no compiler, libraries or emulator for it here (scripts/setup-matrix)"
elif build aarch64 -DCMAKE_TOOLCHAIN_FILE="$ROOT/tests/long/aarch64.cmake"; then
    column "aarch64 (qemu)" qemu-aarch64-static -L "$tree" "$ROOT/build/aarch64/tapedeck"
else
    not_ok "aarch64: it builds" "$(tail -n 20 "$WORK/build.log")"
fi
finish
