# lib.sh: read by the checks of the whole program. They print TAP (one "ok" or "not ok" a check) and work in a folder of
# their own, which is removed at the end.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
TAPEDECK=${TAPEDECK:-$ROOT/build/release/tapedeck}
DATA=${TAPEDECK_DATA:-$ROOT/../shared/data}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/tapedeck-e2e.XXXXXX")
checks=0 failures=0 finished=no

at_exit() {
    rm -rf "$WORK"
    if [ $finished = no ]; then
        echo "not ok - the script ended early"
    fi
}
trap at_exit EXIT

ok() {
    checks=$((checks + 1))
    echo "ok - $*"
}
# not_ok NAME [DETAIL...]: details become comment lines.
not_ok() {
    checks=$((checks + 1)) failures=$((failures + 1))
    echo "not ok - $1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /' | head -n 30
}
skip() {
    checks=$((checks + 1))
    echo "ok - $1 # SKIP $2"
}
# same NAME WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted: $2" "got:    $3"; fi
}
# succeeds NAME COMMAND...: exit code 0; its output is shown when not.
succeeds() {
    local name=$1 code
    shift
    "$@" >"$WORK/out" 2>"$WORK/err"
    code=$?
    if [ $code -eq 0 ]; then ok "$name"; else not_ok "$name" "exit code $code of: $*" "$(tail -n 20 "$WORK/out" "$WORK/err")"; fi
}
# One value of a flat or nested JSON document: json FILE key.key.0
json() {
    /usr/bin/python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1" "$2"
}
finish() {
    echo "1..$checks"
    finished=yes
    [ $failures -eq 0 ]
    exit
}
