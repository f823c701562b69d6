# bash completion for guestlua, -*- shell-script -*-
# Made by `make doc` from lua/guestlua/command/options.lua; changes here are lost.

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

    # What stands before: an option that wants an argument, --check, the script?
    local option='' script='' check=''
    for ((i = 1; i < ${#line[@]} - 1; i++)); do
        if [[ $option ]]; then
            option=''
        elif [[ ${line[i]} =~ ^(-[riEWqVvh]*[ckeld]|--(connect|keepalive-interval|max-seconds|max-memory|max-instructions|slice|debug|log-level|log-format|log-file|result))$ ]]; then
            option=${line[i]}
        elif [[ ${line[i]} == --check ]]; then
            check=1
        elif [[ ${line[i]} != -?* || ${line[i]} == -- ]]; then
            script=1
        fi
    done
    [[ $option == -[!-]* ]] && option=-${option: -1}
    local value=$cur words='' kind='words'
    if [[ ! $option && ! $script && $cur == --*=* ]]; then
        option=${cur%%=*} value=${cur#*=}
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
            else
                words='-c --connect -r --readonly -k --keepalive-interval -e -l -i --interactive -E -W --check --dry-run --sandbox --process --max-seconds --max-memory --max-instructions --slice -q --quiet -d --debug --log-level --log-format --log-file --result --status-key backup restore backups verify prune metrics top console recover help -V --version -v -h --help - --'
            fi
            ;;
        *) kind='none' ;;
    esac
    COMPREPLY=()
    case $kind in
        words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$value") ;;
        script) mapfile -t COMPREPLY < <(compgen -f -X '!*.lua' -- "$value"; compgen -d -- "$value") ;;
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
