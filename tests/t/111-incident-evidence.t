#!/bin/bash
# 111-incident-evidence.t - evidence that changes: a log that was edited since it was read, or before; and each kind of
# answer, told with its reason.
. "$(dirname "$0")/lib.sh"
need jq perl
us_incident() { us incident "$@" --state "$state"; }
at() { date -u -d "2026-03-01T00:00:00Z + $1 seconds" +%s; }

# answer SECOND ACCOUNT [KEY=VALUE ...]: a line of the evidence log, of a visitor whose tag is tag-ACCOUNT.
answer()
{
        local second=$1 account=$2 pair
        shift 2
        declare -A field=([ts]="$(at "$second").500" [rt]=0.010 [ip]=192.0.2.7 [m]=GET [uri]=/login.html [p]=HTTP/1.1 [st]=200 [bb]=6120
                [ce]="" [rng]="" [ok]=OK [up]="" [tag]="tag-$account" [ref]="" [ua]=Browser)
        for pair; do field[${pair%%=*}]=${pair#*=}; done
        printf '{"ts":"%s","rt":"%s","ip":"%s","m":"%s","uri":"%s","p":"%s","st":"%s","bb":"%s","ce":"%s","rng":"%s","ok":"%s","up":"%s","tag":"%s","ref":"%s","ua":"%s"}\n' \
                "${field[ts]}" "${field[rt]}" "${field[ip]}" "${field[m]}" "${field[uri]}" "${field[p]}" "${field[st]}" "${field[bb]}" \
                "${field[ce]}" "${field[rng]}" "${field[ok]}" "${field[up]}" "${field[tag]}" "${field[ref]}" "${field[ua]}"
}
logins() { echo time,account,address,agent,tag && for name; do echo "$(date -u -d @"$(at 100)" +%Y-%m-%dT%H:%M:%SZ),$name,,,tag-$name"; done; }
# Somebody asks for another page every five seconds: the log has no silence.
others() { local second; for second in $(seq "$1" 5 "$2"); do answer "$second" nobody uri=/other.html bb=9; done; }
open_one()
{
        us_incident open --server web1 --path /login.html --last-good "$(date -u -d @"$(at 900)" +%Y-%m-%dT%H:%M:%SZ)" \
                --from "$(date -u -d @"$(at 1000)" +%Y-%m-%dT%H:%M:%SZ)" --to "$(date -u -d @"$(at 2000)" +%Y-%m-%dT%H:%M:%SZ)" \
                --first-good "$(date -u -d @"$(at 2100)" +%Y-%m-%dT%H:%M:%SZ)" --size 6120 --genuine-size 5874 "$@"
}
clocks=(--clock web1=0~0.2 --clock logins=0~1)

# ---------------------------------------------------------------- each kind of answer, and what is said of it
{
        others 0 3000
        answer 1500 plain
        answer 1500 http2 p=HTTP/2.0
        answer 1500 gzip ce=gzip bb=2211
        answer 1500 range rng=bytes=0-99 st=206 bb=100
        answer 1500 head m=HEAD bb=0
        answer 1500 aborted ok= bb=800
        answer 1500 gone st=499 ok= bb=800
        answer 1500 nothing st=499 ok= bb=0
        answer 1500 cdn up=HIT
        answer 2200 stale up=HIT
        answer 1500 proxied up=MISS
        answer 1500 inside304 st=304 bb=0
        answer 1400 holder304
        answer 2500 holder304 st=304 bb=0
        answer 2500 fresh304 st=304 bb=0
        answer 950 edge
        answer 950 edgeother bb=777
        answer 2105 heldopen bb=777
        answer 1500 redirect st=302 bb=10
        answer 1500 page uri=/shop.html bb=500
} | sort >"$tmp/kinds.log"
logins plain http2 gzip range head aborted gone nothing cdn stale proxied inside304 holder304 fresh304 edge edgeother heldopen redirect page >"$tmp/logins.csv"
open_one --page /shop.html
us_incident exposure 1 --log "web1=$tmp/kinds.log" --logins "$tmp/logins.csv" "${clocks[@]}" --held-open 60s --list --json
cp "$tmp/stdout" "$tmp/kinds.json"
is 'no gap' "$(json '.gaps | length')" 0
graded() { is "$1: $2" "$(jq -r --arg a "$1" '([.list[] | select(.account == $a) | "\(.grade) \(.reason)"] + ["not exposed"])[0]' "$tmp/kinds.json")" "$2"; }
graded plain 'confirmed inside'
graded http2 'confirmed inside'
graded gzip 'probable packed'
graded range 'probable range'
graded head 'not exposed'
graded aborted 'probable aborted'
graded gone 'probable aborted'
graded nothing 'not exposed'
graded cdn 'possible cache'
graded stale 'possible cache'
graded proxied 'confirmed inside'
graded inside304 'probable not_modified'
graded holder304 'confirmed inside'
graded fresh304 'not exposed'
graded edge 'probable edge_bytes'
graded edgeother 'possible edge'
graded heldopen 'possible edge'
graded redirect 'not exposed'
graded page 'possible page'
us_incident exposure 1 --explain gzip
like 'explained in words, with the row' "$(output)" 'sent compressed, so its size tells nothing.*kinds\.log, byte [0-9]+'
us_incident exposure 1 --explain holder304
like 'a 304 after an exposed answer' "$(output)" 'status 304.*the browser showed a copy'
us_incident exposure 1 --explain cdn
like 'what a cache answered' "$(output)" 'answered by a cache'
us_incident exposure 1 --explain heldopen
like 'what a web server held open (open_file_cache) is remembered' "$(output)" 'heldopen: possible'

# ---------------------------------------------------------------- edited since it was read
figures() { jq -S 'del(.list, .explained)' "$tmp/stdout"; }
us_incident exposure 1 --json
before=$(figures)
cp "$tmp/kinds.log" "$tmp/kept"
sed -i 's/"tag":"tag-gzip"/"tag":"tag-none"/' "$tmp/kinds.log"
is 'as many lines and bytes as before' "$(wc -lc <"$tmp/kinds.log")" "$(wc -lc <"$tmp/kept")"
us_incident exposure 1 --json
json_is 'another tag in one line: anybody may have been exposed' '"\(.everybody_possible) \(.gaps[0].missing | test("kinds.log"))"' 'true true'
us_incident exposure 1
like 'and that is said' "$(output)" 'is missing, or was cut or edited: .*kinds\.log'
us_incident report 1 --form technical --format md --lang en
like 'in the report, too' "$(output)" 'Nothing tells of web1'
sed -e '5d' -e '/tag-range/{p}' "$tmp/kept" >"$tmp/kinds.log" # one away, another twice
us_incident exposure 1 --json
json_is 'a line that went and one that came' .everybody_possible true
cp "$tmp/kept" "$tmp/kinds.log"
us_incident exposure 1 --json
is 'as it was: as it was' "$(figures)" "$before"
printf '%s' "$(others 3005 3005)" | head -c 40 >>"$tmp/kinds.log"
us_incident exposure 1 --json
json_is 'a log that grows is none that changed' .everybody_possible false
{ cat "$tmp/kept" && others 3005 3200; } >"$tmp/kinds.log"
us_incident exposure 1 --json
json_is 'nor one whose last line was not written whole' .everybody_possible false
cp "$tmp/logins.csv" "$tmp/kept.csv"
sed -i 's/tag-gzip/tag-nobo/' "$tmp/logins.csv"
us_incident exposure 1 --json
json_is 'login records are looked at in the same way' '"\(.everybody_possible) \(.gaps[0].server)"' 'true logins'
cp "$tmp/kept.csv" "$tmp/logins.csv"

# ---------------------------------------------------------------- what was said of caches holds
status_is 1 'a cache in front' us_incident exposure 1 --shared-cache --json
us_incident exposure 1 --json
json_is 'is not forgotten the next time' .everybody_possible true

# ---------------------------------------------------------------- edited before anybody read it
{
        others 0 3000
        for n in 1 2 3; do
                answer $((1200 + 100 * n)) "$n" ip="192.0.2.$n" tag=
                answer $((1210 + 100 * n)) "$n" ip="192.0.2.$n" tag= m=POST uri=/login st=302 bb=0
        done
} | sort >"$tmp/whole.log"
{
        echo time,account,address,agent
        for n in 1 2 3; do echo "$(date -u -d @"$(at $((1210 + 100 * n)))" +%Y-%m-%dT%H:%M:%SZ),user$n,192.0.2.$n,Browser"; done
} >"$tmp/people.csv"
open_one --login-path /login
us_incident exposure 2 --log "web1=$tmp/whole.log" --logins "$tmp/people.csv" "${clocks[@]}" --json
json_is 'every login has its request' '"\(.logins_without_request) \(.everybody_possible)"' '0 false'
grep -v '"ip":"192.0.2.2"' "$tmp/whole.log" >"$tmp/edited.log"
open_one --login-path /login
us_incident exposure 3 --log "web1=$tmp/edited.log" --logins "$tmp/people.csv" "${clocks[@]}" --json
json_is 'the lines of one visitor were taken out: his login tells it' '"\(.logins_without_request) \(.everybody_possible)"' '1 true'
us_incident exposure 3
like 'in words' "$(output)" '1 logins are in no log: lines were taken out'
us_incident report 3 --form technical --format md --lang en
like 'and in the technical report' "$(output)" '1 logins are in no access log'

# ---------------------------------------------------------------- by the site that embeds it; link served, payload live
{
        others 0 3000
        answer 1100 one ref=https://shop1.example/cart?x
        answer 1500 two ref=https://shop1.example/
        answer 1900 three ref=http://shop2.example/a
        answer 2500 four ref=https://shop3.example/
} | sort >"$tmp/tag.log"
logins one two three four >"$tmp/tag.csv"
moment() { date -u -d @"$(at "$1")" +%Y-%m-%dT%H:%M:%SZ; }
open_one --payload-from "$(moment 0)" --payload-to "$(moment 1600)"
us_incident exposure 4 --log "web1=$tmp/tag.log" --logins "$tmp/tag.csv" "${clocks[@]}" --json
json_is 'exposure by embedding site, for its owner' '[.embedding[] | "\(.site) \(.responses.confirmed)"] | sort | join(", ")' \
        'shop1.example 2, shop2.example 1'
json_is 'the link was served to three, to two while what it linked to was live' \
        '"\(.responses.confirmed) \(.payload.live_responses) \(.payload.link_only_responses)"' '3 2 1'
us_incident report 4 --form public --lang en
like 'which are two sentences of the report' "$(output)" 'was live from .*: 2 answers were in that time'
done_testing
