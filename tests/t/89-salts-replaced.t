#!/bin/bash
# 89-salts-replaced.t - the file of salts is replaced within the day (by root, from a backup, from another machine):
# visitors are counted twice then, and every place that shows figures of the day says so.
. "$(dirname "$0")/lib.sh"
need jq sqlite3
log=$tmp/access.log
store=$tmp/store.db
today=$(date -u +%F)
day=$(($(date -u -d "$today" +%s) / 86400))

# visit N: ten visitors, always the same ones, at minute N.
visit()
{
        local i
        for i in {1..10}; do
                printf '203.0.113.%d - - [%s:00:%02d:00 +0000] "GET /page HTTP/1.1" 200 10 "-" "Firefox"\n' "$i" \
                        "$(LC_ALL=C date -u -d "$today" +%d/%b/%Y)" "$1" >>"$log"
        done
}
follow() { us analyze --follow "$log" --store "$store" --once; }
query() { us analyze query --store "$store" "$@"; }
# A file with another salt of today, as another machine would have it.
replace() { (umask 077 && printf '%s %s %064d\n' "$day" "$(date +%s)" "$1" >"$store.salts"); }

visit 1
follow
is 'lines are counted' "$status" 0
cp -p "$store.salts" "$tmp/first"
visit 2
follow
is 'who comes again is the same visitor' "$(query --json; jq -c '.rows[0] | [.hits, .visitors]' "$tmp/stdout")" '[20,10]'
json_is 'nothing is marked' '.salts_replaced | length' 0
query --report --json
json_is 'nothing is approximate' '.approximate | length' 0

# ---------------------------------------------------------------- replaced
replace 1
visit 3
follow
is 'it is counted on' "$status" 0
like 'and told on standard error' "$(errors)" "Visitors of $today may be counted twice: its salt was replaced, which was found at ....-..-.. ..:.."
query --json
is 'visitors are counted twice' "$(jq -c '.rows[0] | [.hits, .visitors]' "$tmp/stdout")" '[30,20]'
json_is 'a query names the day' '.salts_replaced[0].day' "$today"
json_is 'and when it was found' '.salts_replaced[0].found | fromdateiso8601 | (. > now - 300 and . <= now)' true
query
like 'also in words' "$(output)" "Visitors of $today may be counted twice"
query --csv
like 'beside a table' "$(errors)" "Visitors of $today may be counted twice"
is 'which has only rows' "$(wc -l <"$tmp/stdout")" 2
query --from "$today" --by day
like 'when the day is asked for' "$(output)" "Visitors of $today may be counted twice"
query --report
like 'the summary says it' "$(output)" "Visitors of $today may be counted twice"
query --report --json
json_is 'its JSON too' '.salts_replaced[0].day' "$today"
json_is 'and names visitors among what is not exact' '[.approximate[].figure] | index("visitors") != null' true
query --report --html "$tmp/en.html" --lang en
like 'the page in English' "$(<"$tmp/en.html")" "class=\"warning\".*Visitors of $today may be counted twice"
unlike 'which does not blame the memory' "$(<"$tmp/en.html")" 'Memory was short'
query --report --html "$tmp/ja.html" --lang ja
like 'and in Japanese' "$(<"$tmp/ja.html")" "class=\"warning\".*$today の訪問者は二重に"
visit 4
follow
unlike 'it is told once' "$(errors)" 'counted twice'
query --json
json_is 'and stays marked' '.salts_replaced | length' 1

# ---------------------------------------------------------------- the first one is put back
found=$(jq -r '.salts_replaced[0].found' "$tmp/stdout")
cp -p "$tmp/first" "$store.salts"
visit 5
follow
like 'the old one is another than the last' "$(errors)" 'counted twice'
query --json
is 'the day is marked from the first time on' "$(jq -r '.salts_replaced[0].found' "$tmp/stdout")" "$found"

# ---------------------------------------------------------------- what is kept, and for how long
check=$(sqlite3 "$store" 'SELECT hex(salt_check) FROM day')
is 'eight bytes are kept' "${#check}" 16
salt=$(cut -d' ' -f3 "$store.salts")
unlike 'which are none of the salt' "${salt^^}" "$check"
sed -i -E 's/^(\S+) \S+/\1 1000/' "$store.salts"
follow
is 'with the salt goes what it is known by' "$(sqlite3 "$store" 'SELECT closed, salt_check IS NULL, salt_replaced IS NOT NULL FROM day')" '1|1|1'
replace 3
visit 6
follow
query --json
is 'a salt that comes after that is not used' "$(jq -c '.rows[0] | [.hits, .visitors]' "$tmp/stdout")" '[60,20]'

# ---------------------------------------------------------------- an hour of another day is not marked
rm -f "$store"* "$log"
visit 1
follow
replace 4
printf '203.0.113.1 - - [%s:00:00:00 +0000] "GET /page HTTP/1.1" 200 10 "-" "Firefox"\n' "$(LC_ALL=C date -u -d "$today - 1 day" +%d/%b/%Y)" >>"$log"
visit 2
follow
query --to "$today" --json
json_is 'a day whose salt was not replaced is not marked' '.salts_replaced | length' 0
done_testing
