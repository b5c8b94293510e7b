# Completion of tapedeck for bash: verbs, actions, options, strategy names, config keys and files.
_tapedeck() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} action=${COMP_WORDS[2]}
    local program=${COMP_WORDS[0]} verbs options i
    COMPREPLY=()
    verbs=$("$program" --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p')
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$verbs help --help --version" -- "$word")
        return
    fi
    if [[ $verb == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
        return
    fi
    if ((COMP_CWORD == 2)) && [[ $word != -* ]]; then
        case $verb in
        tape) mapfile -t COMPREPLY < <(compgen -W "info cat check repair cut merge normalise" -- "$word") ;;
        strategy) mapfile -t COMPREPLY < <(compgen -W "list show new" -- "$word") ;;
        config) mapfile -t COMPREPLY < <(compgen -W "check explain" -- "$word") ;;
        ci) mapfile -t COMPREPLY < <(compgen -W "record run" -- "$word") ;;
        rules) mapfile -t COMPREPLY < <(compgen -W "binance-spot binance-usdm binance-coinm upbit" -- "$word") ;;
        esac
        [[ $verb == tape || $verb == strategy || $verb == config || $verb == rules || $verb == ci ]] && return
    fi
    if [[ $word == -* ]]; then # the options are those of the manual page
        options=$("$program" help "$verb" 2>/dev/null | sed -n '/^OPTIONS$/,/^EXIT STATUS$/p' | grep -oE '^ +(-[a-zA-Z], )?--[a-z][a-z0-9-]*' |
            grep -oE '\-\-[a-z0-9-]+')
        mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
        return
    fi
    if [[ $verb == strategy && $action == show ]]; then
        options=$("$program" strategy list 2>/dev/null | sed '1,2d; s/ .*//')
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word"; compgen -f -X '!*.so' -- "$word")
        return
    fi
    if [[ $before == --set || $before == -s ]]; then
        options=$("$program" config explain --json 2>/dev/null | sed -n 's/^ *"key": "\([^"[]*\)".*/\1=/p')
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    if [[ $verb == config && $action == explain ]]; then
        options=$("$program" config explain --json 2>/dev/null | sed -n 's/^ *"key": "\([^"]*\)".*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    if [[ $verb == mock && $before == --venue ]]; then
        mapfile -t COMPREPLY < <(compgen -W "binance-usdm binance-coinm binance-spot upbit" -- "$word")
        return
    fi
    if [[ $verb == mock && $before == --fault ]]; then
        options=$("$program" help mock 2>/dev/null | sed -n '/^FAULTS$/,/^EXIT STATUS$/s/^  \([a-z][a-z0-9_]*\)$/\1=/p')
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    if [[ $before == --kind || $before == -k ]]; then
        mapfile -t COMPREPLY < <(compgen -W "snapshot delta trade bbo l3_add l3_modify l3_cancel l3_execute mark candle ticker gap \
            connection_up connection_down execution balance position tick parameter signal operator" -- "$word")
        return
    fi
    if [[ $verb == watch && ($before == --events || $before == -e) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "all fills log" -- "$word")
        return
    fi
    compopt -o filenames
    if [[ $before == --order || $before == -O ]]; then
        compopt +o filenames
        mapfile -t COMPREPLY < <(compgen -W "latency fees fills data account seed engine parameters code" -- "$word")
        return
    fi
    if [[ $verb =~ ^(why|verify|diff|watch|evidence|bundle|explain|state|fork)$ &&
        ! $before =~ ^(--tape|-t|--runs|-r|--out|-o|--extract|-x|--plugin|-p|--binary|-b|--binary-a|--binary-b|--at)$ ]]; then
        # RUN: a run of ./runs by its name, a directory, or a bundle
        ((COMP_CWORD == 2)) || [[ $verb == explain || $verb == diff ]] || return
        local runs
        runs=$(cd runs 2>/dev/null && for i in */result.json; do [[ -f $i ]] && echo "${i%/result.json}"; done)
        mapfile -t COMPREPLY < <(compgen -W "$runs" -- "$word"; compgen -d -- "$word"; compgen -f -X '!*.tar.zst' -- "$word")
        return
    fi
    if [[ $verb == calibrate ]] && [[ $before == --orders || $before == -r ]]; then
        mapfile -t COMPREPLY < <(compgen -f -X '!*.csv' -- "$word"; compgen -d -- "$word")
        return
    fi
    if [[ $verb == ci && $before =~ ^(--runs|-r)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
    fi
    if [[ $verb == ci && $before != --junit && $before != --markdown && ! $before =~ ^(--binary|-b)$ ]]; then
        if [[ $before == --case || $before == -c ]]; then # names of the suite's cases
            mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^ *- *name: *//p' "${COMP_WORDS[3]}" 2>/dev/null)" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -X '!*.@(yaml|yml)' -- "$word"; compgen -d -- "$word")
        fi
        return
    fi
    case $verb in
    explain)
        case $before in
        --tape | -t) mapfile -t COMPREPLY < <(compgen -f -X '!*.tape' -- "$word"; compgen -d -- "$word") ;;
        --plugin | -p) mapfile -t COMPREPLY < <(compgen -f -X '!*.so' -- "$word"; compgen -d -- "$word") ;;
        --runs | -r) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
        ;;
    diff)
        case $before in
        --tape | -t) mapfile -t COMPREPLY < <(compgen -f -X '!*.tape' -- "$word"; compgen -d -- "$word") ;;
        --runs | -r) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
        ;;
    why | verify | watch) mapfile -t COMPREPLY < <([[ $before == -r || $before == --runs ]] || compgen -f -X '!*.tape' -- "$word"; compgen -d -- "$word") ;;
    tape | mock) mapfile -t COMPREPLY < <(compgen -f -X '!*.tape' -- "$word"; compgen -d -- "$word") ;;
    run | config | calibrate)
        local after_tape=0
        for ((i = 2; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
            --tape | -t) after_tape=1 ;;
            -*) after_tape=0 ;;
            esac
        done
        if ((after_tape)); then
            mapfile -t COMPREPLY < <(compgen -f -X '!*.tape' -- "$word"; compgen -d -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -X '!*.@(yaml|yml)' -- "$word"; compgen -d -- "$word")
        fi
        ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
# "=" and ":" stay inside words for --set key=value.
complete -F _tapedeck tapedeck
