#!/bin/bash
# 100-incident.t - who was served what: an incident is played by a generator that knows the truth, and the result is
# compared with it; then one source of evidence after the other is taken away. INCIDENT_REQUESTS and INCIDENT_ACCOUNTS
# make it larger.
. "$(dirname "$0")/lib.sh"
need jq
generator=$build_folder/tests/support/incident_generator
requests=${INCIDENT_REQUESTS:-30000}
accounts=${INCIDENT_ACCOUNTS:-2000}
state=$tmp/state
play=$tmp/play
mkdir "$play"
"$generator" "$play" "$requests" "$accounts" 7 || bail_out 'the generator failed'
gzip "$play/web1.01.log"

time_of() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
incident() { us incident "$@" --state "$state"; }

# open_incident: what was seen becomes an incident; sets $number.
open_incident()
{
        local verb=open server path good bad until after size genuine
        while read -r server path good bad until after size genuine; do
                incident "$verb" ${number:+"$number"} --server "$server" --path "$path" --last-good "$(time_of "$good")" \
                        --from "$(time_of "$bad")" --to "$(time_of "$until")" --first-good "$(time_of "$after")" \
                        --size "$size" --genuine-size "$genuine" --json || return 1
                number=$(jq .incident "$tmp/stdout")
                verb=add
        done <"$play/intervals"
}

arguments=()
for log in "$play"/web*; do
        name=${log##*/}
        arguments+=(--log "${name%%.*}=$log")
done
while read -r server offset error; do arguments+=(--clock "$server=$offset~$error"); done <"$play/clocks"

number=
ok 'an incident is opened' open_incident
[[ -n $number ]] || bail_out 'no incident could be opened'
is 'with all that was seen' "$(incident show "$number" --json; jq '.intervals | length' "$tmp/stdout")" 4
status_is 1 'somebody was exposed' us incident exposure "$number" --state "$state" "${arguments[@]}" \
        --logins "$play/logins.csv" --list --json
cp "$tmp/stdout" "$tmp/all.json"

# check NAME RESULT: no truly exposed account is missing, no confirmed one is wrong.
check()
{
        ok "$1: there is a result" test "$(jq .lines "$2")" -gt 0
        jq -r '.list[] | select(.grade == "confirmed") | .account' "$2" | sort >"$tmp/confirmed"
        jq -r '.list[].account' "$2" | sort >"$tmp/listed"
        cut -d' ' -f1 "$play/truth" | sort >"$tmp/exposed"
        awk '$2 { print $1 }' "$play/truth" | sort >"$tmp/attributable"
        is "$1: nobody is confirmed who was not exposed" "$(comm -23 "$tmp/confirmed" "$tmp/exposed" | head -n 5)" ''
        if jq -e .everybody_possible "$2" >/dev/null; then
                pass "$1: anybody may have been exposed"
        else
                is "$1: nobody who was exposed is missing" "$(comm -23 "$tmp/attributable" "$tmp/listed" | head -n 5)" ''
        fi
        ok "$1: the upper bound holds" jq -e --argjson n "$(wc -l <"$tmp/exposed")" \
                '.upper_bound == null or .upper_bound >= $n' "$2" >"$tmp/jq"
}

check 'all evidence' "$tmp/all.json"
is 'no gap is seen where there is none' "$(jq -c .gaps "$tmp/all.json")" '[]'
exposed=$(wc -l <"$tmp/exposed")
ok 'most of those with a session tag are confirmed' test "$(wc -l <"$tmp/confirmed")" -gt $((exposed / 3))
ok 'not everybody is listed' test "$(wc -l <"$tmp/listed")" -lt $((accounts * 9 / 10))
is 'every line was understood' "$(jq .invalid "$tmp/all.json")" 0
is 'and counted' "$(jq .lines "$tmp/all.json")" "$(cat <(zcat "$play"/*.gz) "$play"/*.log | wc -l)"
diag "$exposed exposed, $(wc -l <"$tmp/confirmed") confirmed, $(jq -c .accounts "$tmp/all.json"), at the most $(jq .upper_bound "$tmp/all.json")"
diag "$(jq -c '[.responses, .unattributed]' "$tmp/all.json")"

# What was read once is read again, on any number of threads, with the same result.
figures() { jq -S 'del(.list, .explained)' "$1"; }
incident exposure "$number" --json --threads 1
is 'the same again' "$(figures "$tmp/stdout")" "$(figures "$tmp/all.json")"

# Explained.
who=$(head -n 1 "$tmp/confirmed")
incident exposure "$number" --explain "$who" --json
is 'it is explained by a confirmed answer' "$(jq -r '[.explained.rows[].grade] | index("confirmed") != null' "$tmp/stdout")" true
row=$(jq -c '[.explained.rows[] | select(.grade == "confirmed" and (.log | endswith(".log")))][0]' "$tmp/stdout")
if [[ $row != null ]]; then
        line=$(tail -c +$(($(jq .byte <<<"$row") + 1)) "$(jq -r .log <<<"$row")" | head -n 1)
        like 'which is where it says' "$line" "$(jq .bytes <<<"$row")"
fi
ok 'that somebody read accounts is in the journal' test -n "$(us journal show --state "$state" --kind incident_accounts_read --json; cat "$tmp/stdout")"
not_ok 'no account is in the journal' grep -rqa 'user[0-9]' "$state/journal"

# Without any one source the result may only grow.
grade_of='{"confirmed":3,"probable":2,"possible":1}'
wider()
{
        local name=$1
        incident exposure "$number" --list --json
        cp "$tmp/stdout" "$tmp/less.json"
        check "$name" "$tmp/less.json"
        if jq -e .everybody_possible "$tmp/less.json" >/dev/null; then
                ok "$name: the upper bound is not smaller" jq -e '.upper_bound == null' "$tmp/less.json" >"$tmp/jq"
                return
        fi
        is "$name: nobody is left out who was in" "$(jq -r '.list[].account' "$tmp/less.json" | sort | comm -13 - \
                <(jq -r --argjson g "$grade_of" '.list[] | select($g[.grade] >= 1) | .account' "$tmp/all.json" | sort) | head -n 3)" ''
}
for source in "$play"/web2.0[2-4].log "$play"/web3.0[68].log "$play/logins.csv"; do
        mv "$source" "$tmp/away"
        wider "without ${source##*/}"
        mv "$tmp/away" "$source"
done
log=$play/web2.02.log
cp "$log" "$tmp/away"
sed -i '100,400d' "$log"
wider 'a log that was cut'
cp "$tmp/away" "$log"
incident exposure "$number" --json
is 'all is there again' "$(figures "$tmp/stdout")" "$(figures "$tmp/all.json")"

# An incident that never heard of the missing log finds its gap by itself.
number=
open_incident
rest=()
for ((i = 0; i < ${#arguments[@]}; i += 2)); do
        [[ ${arguments[i + 1]} == *web2.02* ]] || rest+=("${arguments[@]:i:2}")
done
incident exposure "$number" "${rest[@]}" --logins "$play/logins.csv" --json --list
is 'a log that nobody named is a gap' "$(jq -r '.gaps[0].server' "$tmp/stdout")" web2
is 'so anybody may have been exposed' "$(jq .everybody_possible "$tmp/stdout")" true
incident exposure "$number" --all-accounts "$accounts" --json
is 'at the most all of them' "$(jq .upper_bound "$tmp/stdout")" "$accounts"

# The clocks are not known: wider.
number=
open_incident
logs=()
for ((i = 0; i < ${#arguments[@]}; i += 2)); do
        [[ ${arguments[i]} == --clock ]] || logs+=("${arguments[@]:i:2}")
done
incident exposure "$number" "${logs[@]}" --logins "$play/logins.csv" --json --list
cp "$tmp/stdout" "$tmp/less.json"
check 'without clocks' "$tmp/less.json"
ok 'without clocks more is possible' test "$(jq '.list | length' "$tmp/less.json")" -ge "$(jq '.list | length' "$tmp/all.json")"
status_is 2 'a clock that is further off than an unknown one is refused' us incident exposure "$number" \
        --state "$state" --clock web1=4000~1

# Combined logs, without columns and tags: nothing is confirmed.
rm -rf "$play"
mkdir "$play"
"$generator" "$play" 20000 500 9 combined
number=
open_incident
logs=()
for log in "$play"/web*; do name=${log##*/} && logs+=(--log "${name%%.*}=$log"); done
incident exposure "$number" "${logs[@]}" --logins "$play/logins.csv" --json --list
is 'with combined logs nobody is confirmed' "$(jq .accounts.confirmed "$tmp/stdout")" 0
ok 'but many are probable' test "$(jq .accounts.probable "$tmp/stdout")" -gt 10
done_testing
