# bash completion for guestlua, -*- shell-script -*-

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
    done < <("${COMP_WORDS[0]}" -q "${uri[@]}" -r -e '@NAMES@' </dev/null 2>/dev/null)
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
        elif [[ ${line[i]} =~ ^(@ARGUMENT@)$ ]]; then
            option=${line[i]}
        elif [[ ${line[i]} == --check ]]; then
            check=1
        elif [[ ${line[i]} != -?* || ${line[i]} == -- ]]; then
            [[ ! $script$check && ' @COMMANDS@ ' == *" ${line[i]} "* ]] && command=${line[i]}
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
@CASES@
        '')
            if [[ $script && ! $check ]]; then
                kind='file'
            elif [[ $script || $cur != -* ]]; then
                kind='script'
                [[ ! $check ]] && words='@COMMANDS@'
            else
                words='@OPTIONS@'
            fi
            ;;
@COMMANDCASES@
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
