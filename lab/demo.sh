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
# shellcheck source=show.sh
. "$here/show.sh"
# shellcheck source=day_acts.sh
. "$here/day_acts.sh"
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
choose_colours

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

# ---------------------------------------------------------------- the end

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
