# bash completion for guestlua, -*- shell-script -*-
# Made by `make doc` from lua/guestlua/command; changes here are lost.

# The names of the guests that begin with $value, of the host that $line names. A guest can have any name: it is quoted, and nothing of it is run.
_guestlua_guests()
{
    local i name uri=()
    for ((i = 1; i < ${#line[@]} - 1; i++)); do
        case ${line[i]} in
            --connect=*) uri=("${line[i]}") ;;
            --connect | -c | -[!-]*c) uri=(-c "${line[i + 1]}") ;;
            -c*) uri=("${line[i]}") ;;
        esac
    done
    while IFS= read -r name; do
        printf -v name %q "$name"
        [[ $name == "$value"* ]] && COMPREPLY+=("$name")
    done < <("${COMP_WORDS[0]}" -q "${uri[@]}" -r -e 'for _, guest in ipairs(guestlua.open(nil, { timeout = 3 }):guests()) do if not guest.name:find("%c") then print(guest.name) end end' </dev/null 2>/dev/null)
}

_guestlua()
{
    # bash breaks words at : and =, as in qemu:///system and --connect=URI: they are put together again.
    local i line=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i > 1)) && [[ ${COMP_WORDS[i]} == [:=]* || ${line[-1]} == *[:=] ]]; then
            line[-1]+=${COMP_WORDS[i]}
        else
            line+=("${COMP_WORDS[i]}")
        fi
    done
    local cur=${line[-1]} piece=${COMP_WORDS[COMP_CWORD]}
    [[ $piece == [:=] ]] && piece=''

    # What stands before: an option that wants an argument, --check, the script or a command?
    local option='' script='' check='' command=''
    for ((i = 1; i < ${#line[@]} - 1; i++)); do
        if [[ $option ]]; then
            option=''
        elif [[ ${line[i]} =~ ^(-[riEWqVvh]*[ckeld]|--(connect|keepalive-interval|max-seconds|max-memory|max-instructions|slice|debug|log-level|log-format|log-file|result))$ ]]; then
            option=${line[i]}
        elif [[ ${line[i]} == --check ]]; then
            check=1
        elif [[ ${line[i]} != -?* || ${line[i]} == -- ]]; then
            [[ ! $script$check && ' backup restore backups verify prune metrics top console recover help ' == *" ${line[i]} "* ]] && command=${line[i]}
            script=1
        fi
    done
    [[ $option == -[!-]* ]] && option=-${option: -1}
    local value=$cur words='' kind='words'
    if [[ ! $option && ! $script && $cur == --*=* ]]; then
        option=${cur%%=*} value=${cur#*=}
    fi

    # A command has options of its own, before and after its operands.
    if [[ $command ]]; then
        [[ ${line[-2]} == --* ]] && option=${line[-2]}
        [[ $cur == --*=* ]] && option=${cur%%=*} value=${cur#*=}
        option="$command $option"
    fi

    case $option in
        -c | --connect) words='qemu:///system qemu:///session test:///default' ;;
        -k | --keepalive-interval) kind='none' ;;
        -e) kind='none' ;;
        -l) kind='none' ;;
        --max-seconds) kind='none' ;;
        --max-memory) kind='none' ;;
        --max-instructions) kind='none' ;;
        --slice) kind='none' ;;
        -d | --debug) words='0 1 2 3 4' ;;
        --log-level) words='error warning info debug trace' ;;
        --log-format) words='text json' ;;
        --log-file) kind='file' ;;
        --result) kind='file' ;;
        '')
            if [[ $script && ! $check ]]; then
                kind='file'
            elif [[ $script || $cur != -* ]]; then
                kind='script'
                [[ ! $check ]] && words='backup restore backups verify prune metrics top console recover help'
            else
                words='-c --connect -r --readonly -k --keepalive-interval -e -l -i --interactive -E -W --check --dry-run --sandbox --process --max-seconds --max-memory --max-instructions --slice -q --quiet -d --debug --log-level --log-format --log-file --result --status-key -V --version -v -h --help - --'
            fi
            ;;
        'backup --to') kind='file' ;;
        'backup --manifest') kind='file' ;;
        'backup --mode') words='pull push' ;;
        'backup --level') words='auto full incremental' ;;
        'backup --disk') kind='none' ;;
        'backup --exclude') kind='none' ;;
        'backup --freeze') words='auto yes no' ;;
        'backup --freeze-timeout') kind='none' ;;
        'backup --compress') words='zstd zlib' ;;
        'backup --encrypt') kind='file' ;;
        'backup --unlock-time') kind='none' ;;
        'backup --keep') kind='none' ;;
        'backup --bandwidth') kind='none' ;;
        'backup --scratch') kind='file' ;;
        'backup --reserve') kind='none' ;;
        'backup --jobs') kind='none' ;;
        'backup --per-target') kind='none' ;;
        'backup --per-host') kind='none' ;;
        'backup --timeout') kind='none' ;;
        'backup --wait') kind='none' ;;
        'backup --connect') words='qemu:///system qemu:///session test:///default' ;;
        'backup '*) if [[ $cur == -* ]]; then words='--to --manifest --mode --all --level --disk --exclude --freeze --freeze-timeout --compress --encrypt --unlock-time --keep --verify --boot --plain --bandwidth --scratch --reserve --jobs --per-target --per-host --timeout --wait --json --connect --help'; else kind='guest'; fi ;;
        'restore --at') kind='none' ;;
        'restore --name') kind='none' ;;
        'restore --to') kind='file' ;;
        'restore --encrypt') kind='file' ;;
        'restore --timeout') kind='none' ;;
        'restore --wait') kind='none' ;;
        'restore --connect') words='qemu:///system qemu:///session test:///default' ;;
        'restore '*) if [[ $cur == -* ]]; then words='--at --name --to --encrypt --start --timeout --wait --json --connect --help'; else kind='file'; fi ;;
        'backups --connect') words='qemu:///system qemu:///session test:///default' ;;
        'backups '*) if [[ $cur == -* ]]; then words='--json --connect --help'; else kind='file'; fi ;;
        'verify --at') kind='none' ;;
        'verify --encrypt') kind='file' ;;
        'verify --run') kind='none' ;;
        'verify --boot-timeout') kind='none' ;;
        'verify --wait') kind='none' ;;
        'verify --connect') words='qemu:///system qemu:///session test:///default' ;;
        'verify '*) if [[ $cur == -* ]]; then words='--at --all --encrypt --boot --run --boot-timeout --wait --json --connect --help'; else kind='file'; fi ;;
        'prune --keep') kind='none' ;;
        'prune --compress') words='zstd zlib' ;;
        'prune --encrypt') kind='file' ;;
        'prune --unlock-time') kind='none' ;;
        'prune --wait') kind='none' ;;
        'prune --connect') words='qemu:///system qemu:///session test:///default' ;;
        'prune '*) if [[ $cur == -* ]]; then words='--keep --compress --encrypt --unlock-time --wait --json --connect --help'; else kind='file'; fi ;;
        'metrics --file') kind='file' ;;
        'metrics --listen') kind='none' ;;
        'metrics --hosts') kind='file' ;;
        'metrics --ansible') kind='file' ;;
        'metrics --timeout') kind='none' ;;
        'metrics --most') kind='none' ;;
        'metrics --connect') words='qemu:///system qemu:///session test:///default' ;;
        'metrics '*) if [[ $cur == -* ]]; then words='--file --listen --hosts --ansible --timeout --most --connect --help'; else kind='none'; fi ;;
        'top --count') kind='none' ;;
        'top --delay') kind='none' ;;
        'top --sort') words='cpu memory disk network name host' ;;
        'top --filter') kind='none' ;;
        'top --hosts') kind='file' ;;
        'top --ansible') kind='file' ;;
        'top --timeout') kind='none' ;;
        'top --connect') words='qemu:///system qemu:///session test:///default' ;;
        'top '*) if [[ $cur == -* ]]; then words='--once --csv --json --count --delay --sort --filter --active --hosts --ansible --timeout --connect --help'; else kind='none'; fi ;;
        'console --device') kind='none' ;;
        'console --connect') words='qemu:///system qemu:///session test:///default' ;;
        'console '*) if [[ $cur == -* ]]; then words='--device --force --safe --connect --help'; else kind='guest'; fi ;;
        'recover --guest') kind='guest' ;;
        'recover --forget') kind='none' ;;
        'recover --journal') kind='file' ;;
        'recover --connect') words='qemu:///system qemu:///session test:///default' ;;
        'recover '*) if [[ $cur == -* ]]; then words='--list --guest --forget --adopt --journal --connect --help'; else kind='none'; fi ;;
        'help '*) words='backup restore backups verify prune metrics top console recover help' ;;
        *) kind='none' ;;
    esac
    COMPREPLY=()
    case $kind in
        words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$value") ;;
        script) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$value"; compgen -f -X '!*.lua' -- "$value"; compgen -d -- "$value") ;;
        guest) _guestlua_guests ;;
        file) mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
    esac
    [[ $kind == script || $kind == file ]] && compopt -o filenames 2>/dev/null

    # Only what comes after the last break is replaced.
    local before=${cur%"$value"} broken=${cur%"$piece"}
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$before${COMPREPLY[i]}
        COMPREPLY[i]=${COMPREPLY[i]#"$broken"}
    done
}
complete -F _guestlua guestlua
