# shellcheck shell=bash
# show.sh - how the demo shows what happens: lines, commands, columns of a table, in a terminal or a file. Sourced by demo.sh.
# shellcheck disable=SC2154 # $json, $quiet: demo.sh's options

# Once the options are known: whether this is a terminal, and what its colours are.
terminal='' red='' green='' bold='' plain=''
choose_colours()
{
        [[ ! -t 1 || -n $json || -n $quiet ]] || terminal=yes
        [[ -n $terminal && -z ${NO_COLOR:-} ]] || return 0
        red=$'\e[31m' green=$'\e[32m' bold=$'\e[1m' plain=$'\e[0m'
}

# When nobody reads any more, the show is over. (SIGPIPE does not say so to the first process of a namespace.)
say() { [[ -n $json || -n $quiet ]] || printf '%s\n' "$*" 2>/dev/null || exit 3; }
# shellcheck disable=SC2059
step() { say "  $(printf "$@")"; }
heading() { say && say "$bold$1$plain"; }

# A command as a person would type it: lines that do not fit end in a backslash.
command_line()
{
        local line="  \$ $1" word
        shift
        while [[ $# -gt 0 ]]; do
                word=$1
                shift
                # An option and its value stay together.
                [[ $word != --* || ${1:---} == --* ]] || { word+=" $1" && shift; }
                if [[ $((${#line} + ${#word})) -gt 75 ]]; then
                        say "$line \\"
                        line="        $word"
                else
                        line+=" $word"
                fi
        done
        say "$line"
}

columns() { printf '%s' "$1" | wc -L; }

# Words behind a text, so that all lines stand at the same column; Japanese letters are two columns wide.
pad()
{
        local width
        width=$(columns "$2")
        printf '%s%*s' "$2" "$(($1 > width ? $1 - width : 0))" ''
}

# right WIDTH TEXT: like pad, with the text at the right.
right()
{
        local width
        width=$(columns "$2")
        printf '%*s%s' "$(($1 > width ? $1 - width : 0))" '' "$2"
}

# A sentence of a command, folded to the terminal: at spaces, or, as Japanese is, between any two letters (but no line
# begins with a comma).
quote()
{
        local text=$1 line='' width=0 letter last i
        for ((i = 0; i < ${#text}; i++)); do
                letter=${text:i:1} last=${line##* }
                if [[ $width -lt 70 || $letter == [、。」] ]]; then
                        line+=$letter
                elif [[ $letter == [!\ -~] || $last == *[!\ -~]* || $last == "$line" || $letter == ' ' ]]; then
                        say "      $line"
                        line=${letter# } width=0
                else
                        say "      ${line% *}"
                        line=$last$letter width=${#last}
                fi
                [[ $letter == [\ -~] ]] && width=$((width + 1)) || width=$((width + 2))
        done
        say "      $line"
}
