#!/usr/bin/env bash
# `tapedeck watch` in a terminal: tmux presses its keys and reads its screen. What stands there must be, to the cell,
# what --screen prints of the same input; and however it ends, the terminal is as it was.
. "$(dirname "$0")/lib.sh"
cd "$WORK"

if ! command -v tmux >/dev/null; then
    skip "watch in a terminal" "no tmux"
    finish
fi
export LC_ALL=C.UTF-8
unset NO_COLOR TMUX
servers=0
server=
mux() { tmux -L "$server" -f /dev/null "$@"; }
at_end() {
    mux kill-server 2>/dev/null
    at_exit
}
trap at_end EXIT

cp "$ROOT/tests/cli/why_golden.yaml" run.yaml
"$TAPEDECK" run run.yaml --set journal=on --out runs/one -q >/dev/null || not_ok "no run to begin with"

# The shell in the pane says what it ran, its exit code, and the terminal's modes before and after.
cat >pane.sh <<END
modes=\$(stty -g)
"$TAPEDECK" watch one "\$@"
code=\$?
[ "\$modes" = "\$(stty -g)" ] && echo "modes kept" || echo "modes CHANGED"
echo "ended with \$code"
exec sleep 60
END
fresh() { # a server of its own: one that is ending is not met again
    [ -z "$server" ] || mux kill-server 2>/dev/null
    servers=$((servers + 1))
    server=tapedeck-e2e-$$-$servers
}
begin() { # COLSxROWS [WORDS...]
    local size=$1
    shift
    fresh
    mux new-session -d -x "${size%x*}" -y "${size#*x}" "exec bash $WORK/pane.sh $*"
}
pane() { mux capture-pane -p; }
# Wait until the pane has a line that matches.
sees() { # NAME PATTERN
    for ((try = 0; try < 100; try++)); do
        if pane | grep -qE -- "$2"; then
            ok "$1"
            return 0
        fi
        sleep 0.1
    done
    not_ok "$1" "wanted: $2" "$(pane)"
    return 1
}
input_shown() { pane | sed -n '1s/.* input \([0-9,]*\) of .*/\1/p' | tr -d ,; }
at_input() { # NAME INPUT
    for ((try = 0; try < 100; try++)); do
        [ "$(input_shown)" = "$2" ] && break
        sleep 0.1
    done
    same "$1" "$2" "$(input_shown)"
}
# The pane is the picture of INPUT at this size.
is_picture() { # NAME COLSxROWS INPUT [WORDS...]
    local name=$1 size=$2 input=$3
    shift 3
    "$TAPEDECK" watch one --at "$input" --screen "$size" -q "$@" >wanted 2>err || not_ok "$name: the picture" "$(cat err)"
    for ((try = 0; try < 100; try++)); do
        pane | sed -e 's/ *$//' >got
        cmp -s wanted got && break
        sleep 0.1
    done
    if cmp -s wanted got; then ok "$name"; else not_ok "$name" "$(diff wanted got)"; fi
}

# ---- steps
begin 100x30
is_picture "it begins at the start" 100x30 0
mux send-keys f
is_picture "f: the first fill" 100x30 20
sees "f: the fill is listed" 'FILL +4 sold 0.010 at 29998.7, maker'
mux send-keys Right
is_picture "right: one input on" 100x30 21
mux send-keys Left Left
is_picture "left: two back" 100x30 19
mux send-keys Down PageDown Space
is_picture "ten, a thousand and one on" 100x30 1030
mux send-keys BSpace Up PageUp
is_picture "and back" 100x30 19
mux send-keys 5 0 0 Right
is_picture "a count" 100x30 519
mux send-keys F
sees "F: the fill before" '^ .* input 512 of'
mux send-keys End
is_picture "the end" 100x30 38926
mux send-keys Home
is_picture "the start" 100x30 0

# ---- places
mux send-keys g 6 0 % Enter
is_picture "g 60%" 100x30 23355
mux send-keys g 0 0 : 0 1 : 1 1 . 1 6 6 Enter
is_picture "g and a time" 100x30 23342
sees "an order rests, and its place is shown" '^ +1894 sell +29997.0 +0.010 of 0.010 +first +8 ms +live$'
mux send-keys / 2 0 2 Enter
sees "/: an order by its id" 'order +202 '
first=$(input_shown)
mux send-keys n
sees "n: its next event" 'ack +202 '
mux send-keys N
at_input "N: and back" "$first"
mux send-keys / 9 9 9 9 9 Enter
sees "an order that is not there" 'the run has no order 99999'
mux send-keys g x Enter
sees "a place that is none" "'x' is no place of a run"
mux send-keys v
sees "v: fills alone" '^─ fills ─'
mux send-keys '?'
sees "?: the keys" 'to the next, the previous fill'
mux send-keys x v v
sees "any key goes back" '^─ orders, fills, log ─'

# ---- sizes
mux send-keys g 2 3 3 4 6 Enter
is_picture "before the size changes" 100x30 23346
mux resize-window -x 140 -y 44
is_picture "larger" 140x44 23346
mux resize-window -x 80 -y 24
is_picture "the smallest" 80x24 23346
mux resize-window -x 60 -y 12
sees "too small says so" '60 x 12 is too small: watch needs 80 x 24'
mux resize-window -x 120 -y 40
is_picture "and large again" 120x40 23346

# ---- ends
mux send-keys q
sees "q: ends with 0" 'ended with 0'
sees "q: the modes of the terminal are kept" 'modes kept'
if pane | grep -q 'own orders'; then not_ok "q: the screen is given back" "$(pane)"; else ok "q: the screen is given back"; fi

pid_of_watch() { pgrep -P "$(mux list-panes -F '#{pane_pid}')" -f 'watch one' | head -n 1; }
ends() { # NAME CODE, how
    begin 100x30
    sees "$1: it runs" '^ ←→ 1 ' || return
    if [ "$3" = keys ]; then mux send-keys "$4"; else kill "-$4" "$(pid_of_watch)"; fi
    sees "$1: ends with $2" "ended with $2\$"
    sees "$1: the modes are kept" 'modes kept'
    if pane | grep -q 'own orders'; then not_ok "$1: the screen is given back" "$(pane)"; else ok "$1: the screen is given back"; fi
}
ends "Ctrl-C" 130 keys C-c
ends "SIGTERM" 143 signal TERM
ulimit -c 0
ends "SIGABRT" 134 signal ABRT
ends "SIGQUIT" 131 signal QUIT
ends "SIGSEGV" 139 signal SEGV

begin 100x30
is_picture "before Ctrl-Z" 100x30 0
kill -TSTP "$(pid_of_watch)"
sleep 0.3
kill -CONT "$(pid_of_watch)"
mux send-keys f
is_picture "it goes on after SIGTSTP and SIGCONT" 100x30 20

# ---- a run that crashed: up to the input before the one that broke it
if command -v "${CC:-cc}" >/dev/null; then
    cat >breaks.c <<'END'
#include "core/strategy.h"
#include <stdlib.h>
struct state { uint64_t seen; };
static void on_book(struct strategy_ctx *ctx, void *memory, const struct event *event)
{
    struct state *state = memory;
    (void)event;
    if (++state->seen == 300)
        strategy_log(ctx, LOG_INFO, "all is well");
    if (state->seen == 305)
        abort();
}
static const struct strategy strategy = {.abi = STRATEGY_ABI, .name = "breaks", .version = "1", .help = "It breaks.",
    .state_size = sizeof(struct state), .book = on_book};
const struct strategy *tapedeck_strategy(void);
const struct strategy *tapedeck_strategy(void) { return &strategy; }
END
    ${CC:-cc} -std=c17 -shared -fPIC -I "$ROOT" -o breaks.so breaks.c 2>err || not_ok "a strategy that breaks compiles" "$(cat err)"
    printf 'feed: {synth: {seed: 7, duration: 2m}}\nstrategy: {plugin: breaks.so}\n' >breaks.yaml
    { "$TAPEDECK" run breaks.yaml -q --out runs/broken; } >/dev/null 2>&1
    "$TAPEDECK" watch broken --at 100% --screen 100x30 -q >got 2>err
    same "a run that crashed: the exit code" 0 $?
    if grep -q 'input \([0-9,]*\) of \1, crashed$' got && grep -q 'log  *all is well$' got; then
        ok "a run that crashed: the last input before it"
    else
        not_ok "a run that crashed: the last input before it" "$(cat got err)"
    fi
else
    skip "a run that crashed" "no C compiler"
fi

# ---- terminals
LC_ALL=C begin 100x30
sees "without UTF-8: plain signs" '^- book -+[+]- 0 orders'
fresh
mux new-session -d -x 100 -y 30 "TERM=no-such-terminal exec bash $WORK/pane.sh"
sees "an unknown terminal is told" "nothing is known of the terminal 'no-such-terminal'"
sees "and its exit code" 'ended with 2'
begin 100x30 --at 20
sees "it is there" 'FILL'
if mux capture-pane -p -e | grep -q $'\e\\[3[0-7]m'; then ok "colours where there are some"; else not_ok "colours where there are some"; fi
fresh
mux new-session -d -x 100 -y 30 "NO_COLOR=1 exec bash $WORK/pane.sh --at 20"
sees "NO_COLOR: it is there" 'FILL'
if mux capture-pane -p -e | grep -q $'\e\\[3[0-7]m'; then not_ok "NO_COLOR is heeded" "$(mux capture-pane -p -e)"; else ok "NO_COLOR is heeded"; fi
finish
