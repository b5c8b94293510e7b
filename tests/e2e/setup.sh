#!/usr/bin/env bash
# scripts/setup against a pretended system: nothing is installed here, the stand-ins write down what they were asked.
. "$(dirname "$0")/lib.sh"

# A system of stand-ins: installed NAMES, known NAMES (package lists at hand), user id. `update` makes everything known.
system() {
    rm -rf "$WORK/bin" && mkdir -p "$WORK/bin"
    : >"$WORK/asked"
    printf '%s\n' $1 >"$WORK/installed"
    printf '%s\n' $2 >"$WORK/known"
    for tool in bash env grep sed cat rm; do
        ln -s "$(command -v $tool)" "$WORK/bin/$tool" 2>/dev/null
    done
    cat >"$WORK/bin/dpkg-query" <<END
#!$BASH
grep -qx -e "\${@: -1}" -e ALL "$WORK/installed" && echo installed
END
    cat >"$WORK/bin/apt-cache" <<END
#!$BASH
if grep -qx -e "\$2" -e ALL "$WORK/known"; then echo "  Candidate: 1.0"; else echo "  Candidate: (none)"; fi
END
    cat >"$WORK/bin/apt-get" <<END
#!$BASH
echo "apt-get \$DEBIAN_FRONTEND \$*" >>"$WORK/asked"
case "\$*" in *update*) echo ALL >"$WORK/known" ;; esac
END
    printf '#!%s\necho %s\n' "$BASH" "$3" >"$WORK/bin/id"
    printf '#!%s\necho "sudo" >>%s\nexec "$@"\n' "$BASH" "$WORK/asked" >"$WORK/bin/sudo"
    chmod +x "$WORK"/bin/*
}
run_setup() {
    PATH=$WORK/bin "$BASH" "$ROOT/scripts/setup" >"$WORK/out" 2>"$WORK/err"
    code=$?
}

system ALL ALL 0
run_setup
same "all packages there: ends well" 0 "$code"
same "all packages there: apt is not called" "" "$(cat "$WORK/asked")"

system "gcc g++ cmake" ALL 0
run_setup
same "missing packages: ends well" 0 "$code"
same "missing packages: installed without questions, without what is there, without new lists" \
    1 "$(grep -c '^apt-get noninteractive .*install --no-install-recommends build-essential clang ' "$WORK/asked")"
same "missing packages: lists at hand are not fetched again" 0 "$(grep -c update "$WORK/asked")"
same "as root: sudo is not used" 0 "$(grep -c sudo "$WORK/asked")"

system "gcc g++ cmake" "" 0
run_setup
same "unknown packages: the lists are fetched first, once" "update install" \
    "$(grep -o -e ' update' -e ' install' "$WORK/asked" | tr -d '\n' | sed 's/^ //')"

system "gcc g++ cmake" ALL 1000
run_setup
same "as a user: through sudo" 1 "$(grep -c sudo "$WORK/asked")"

system "gcc g++ cmake" ALL 1000
rm "$WORK/bin/sudo"
run_setup
same "as a user without sudo: fails" 1 "$code"
same "as a user without sudo: says what is missing and what to do" 1 \
    "$(grep -c 'missing packages: build-essential clang .*as root, or install sudo' "$WORK/err")"

system ALL ALL 0
rm "$WORK/bin/apt-get"
run_setup
same "not Debian: fails" 1 "$code"
same "not Debian: names the packages" 1 "$(grep -c 'not a Debian-like system.*libzstd-dev' "$WORK/err")"

finish
