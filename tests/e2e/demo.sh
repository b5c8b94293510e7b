#!/usr/bin/env bash
# The demo ends well and shows one digest three times.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/demo" >"$WORK/demo" 2>"$WORK/demo.err"
code=$?
if [ $code -eq 0 ]; then ok "the demo ends well"; else not_ok "the demo ends well" "exit code $code" "$(tail "$WORK/demo" "$WORK/demo.err")"; fi
same "it shows the same digest three times" 1 \
    "$(sed -n -E 's/^(first run|second run|other blocks) +([0-9a-f]{32})$/\2/p' "$WORK/demo" | sort -u | wc -l)"
same "it trades" yes "$(sed -n -E 's/^fills ([1-9][0-9]*) .*/yes/p' "$WORK/demo" | head -n 1)"
finish
