#!/usr/bin/env bash
# Bad input: each line of the table is one wrong file, config or command line, and says the exit code and the words that
# the message must contain. A message is one sentence on standard error; nothing crashes and nothing is written.
. "$(dirname "$0")/lib.sh"
cd "$WORK"

"$TAPEDECK" synth good.tape --duration 30s --block-levels 1024 -q >/dev/null || not_ok "no tape to begin with"
"$TAPEDECK" tape cat good.tape --json >good.json
size=$(stat -c %s good.tape)

# files that are wrong
: >empty.tape
head -c 1000 /dev/urandom >foreign.tape
head -c $((size / 2)) good.tape >cut.tape
head -c 100 good.tape >header-cut.tape
cp good.tape flipped.tape
printf '\x55' | dd of=flipped.tape bs=1 seek=$((size / 2)) conv=notrunc status=none
{ cat good.tape; echo more; } >longer.tape
mkdir folder.tape
cp good.tape secret.tape
printf 'hello\nthis is no capture\n' >foreign.txt
: >empty.txt
printf 'not really gzip' >broken.gz
gzip -c good.json | head -c 2000 >cut.gz
cat >config.yaml <<'END'
seed: 1
feed: {tapes: [good.tape]}
strategy: {name: maker, params: {size: "0.01"}}
output: {dir: runs}
END
edit() { sed "$2" config.yaml >"$1"; }
edit wrong-key.yaml 's/seed/sed/'
edit wrong-type.yaml 's/seed: 1/seed: many/'
edit no-tape.yaml 's/good.tape/missing.tape/'
edit no-strategy.yaml 's/maker/makr/'
edit wrong-param.yaml 's/size:/sise:/'
edit param-range.yaml 's/"0.01"/"-1"/'
edit no-yaml.yaml 's/feed: {/feed: {{/'
echo 'venue: {latency: {entry: 2}}' | cat config.yaml - >no-unit.yaml
echo 'venue: {latency: {entry: 2parsecs}}' | cat config.yaml - >wrong-unit.yaml
: >empty.yaml
head -c 2000 /dev/urandom >binary.yaml
edit wrong-plugin.yaml 's/{name: maker.*}/{plugin: foreign.tape}/'

# code | words in the message (a regular expression) | command
table() {
    cat <<'END'
2 | unknown verb 'rnu'.* | tapedeck rnu
2 | unknown option|no option | tapedeck run config.yaml --tpae good.tape
2 | CONFIG | tapedeck run
2 | whole number | tapedeck synth x.tape --instruments many
2 | 64 to 65536 | tapedeck synth x.tape --block-levels 1
4 | empty.tape | tapedeck tape info empty.tape
4 | foreign.tape | tapedeck tape info foreign.tape
4 | header-cut.tape | tapedeck tape info header-cut.tape
4 | foreign.tape | tapedeck run config.yaml --tape foreign.tape --no-output
4 | empty.tape | tapedeck run config.yaml --tape empty.tape --no-output
4 | cut.tape.*(cut short|ends) | tapedeck run config.yaml --tape cut.tape --no-output
4 | flipped.tape.*block | tapedeck run config.yaml --tape flipped.tape --no-output
4 | flipped.tape.*block | tapedeck tape cat flipped.tape
4 | longer.tape | tapedeck tape cat longer.tape
1 | . | tapedeck tape check cut.tape
1 | . | tapedeck tape check flipped.tape
1 | . | tapedeck tape check longer.tape
5 | missing.tape.*No such file | tapedeck tape info missing.tape
4 | folder.tape.*not a regular file | tapedeck tape info folder.tape
5 | exist | tapedeck tape cut good.tape --out good.tape
5 | nowhere | tapedeck synth nowhere/x.tape --duration 1s
4 | foreign.txt | tapedeck import foreign.txt -o x.tape
4 | empty.txt | tapedeck import empty.txt -o x.tape
4 | broken.gz | tapedeck import broken.gz -o x.tape
4 | cut.gz | tapedeck import cut.gz -o x.tape
5 | missing.gz | tapedeck import missing.gz -o x.tape
5 | missing.yaml.*No such file | tapedeck run missing.yaml
3 | wrong-key.yaml:1:1: .*sed.*seed | tapedeck run wrong-key.yaml
3 | wrong-type.yaml:1:7: .*many | tapedeck run wrong-type.yaml
3 | no-tape.yaml:2:.*missing.tape | tapedeck run no-tape.yaml
3 | no-strategy.yaml:3:.*makr.*maker | tapedeck run no-strategy.yaml
3 | wrong-param.yaml:3:.*sise.*size | tapedeck run wrong-param.yaml
3 | param-range.yaml:3:.*0.00000001 | tapedeck run param-range.yaml
3 | no-yaml.yaml:3:.*not YAML | tapedeck run no-yaml.yaml
3 | no-unit.yaml:5:.*(unit|2ms|duration) | tapedeck run no-unit.yaml
3 | wrong-unit.yaml:5:.*2parsecs | tapedeck run wrong-unit.yaml
3 | empty.yaml | tapedeck run empty.yaml
3 | binary.yaml | tapedeck run binary.yaml
3 | wrong-plugin.yaml:3:.*foreign.tape | tapedeck run wrong-plugin.yaml
3 | instrument | tapedeck run config.yaml --no-output --set strategy.params.instrument=NOSUCH
3 | half_spread.*1000000 | tapedeck run config.yaml --set strategy.params.half_spread=9999999
3 | risk.order_notional_max | tapedeck run config.yaml --set risk.order_notional_max=lots
END
}

export PATH=$(dirname "$TAPEDECK"):$PATH
while IFS= read -r line; do
    code=${line%% | *}
    rest=${line#* | }
    command=${rest##* | }
    words=${rest%" | $command"}
    words=${words%"| $command"}
    words=$(sed 's/^ *//; s/ *$//' <<<"$words")
    timeout 60 $command >out 2>err </dev/null
    got=$?
    if [ "$got" -ne "$code" ]; then
        not_ok "$command" "exit code $got, wanted $code" "$(head -n 5 err)"
    elif [ "$code" -ne 1 ] && ! tr '\n' ' ' <err | grep -Eq -- "$words"; then
        not_ok "$command" "the message lacks /$words/:" "$(head -n 5 err)"
    elif [ -e x.tape ]; then
        not_ok "$command" "it left x.tape behind"
        rm -f x.tape
    else
        ok "$command"
    fi
done < <(table)

# a disk that fills: a small file system in memory, where that may be mounted
mkdir small
if mount -t tmpfs -o size=256k tmpfs small 2>/dev/null; then
    "$TAPEDECK" synth small/full.tape --duration 10m -q >out 2>err
    same "a full disk ends synth with 6" 6 $?
    same "a full disk is called by its name" 1 "$(grep -c 'full.tape.*[Nn]o space left' err)"
    "$TAPEDECK" tape repair small/full.tape --out repaired.tape >out 2>err
    code=$?
    if [ $code -le 1 ]; then ok "what was written before is repaired"; else not_ok "what was written before is repaired" "$code: $(cat err)"; fi
    [ -e repaired.tape ] || cp small/full.tape repaired.tape
    succeeds "and is whole" "$TAPEDECK" tape check repaired.tape
    umount small
else
    skip "a full disk" "mounting a small file system is not allowed here"
fi
finish
