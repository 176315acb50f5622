#!/bin/bash
# 80-analyze.t - what analyze counts equals what a program counts that shares no code with it (analyze_oracle.pl), on
# real lines and on generated ones, whoever reads which part of the log.
. "$(dirname "$0")/lib.sh"
need jq perl zstd gzip
support=$source_folder/tests/support
generator=$build_folder/tests/support/log_generator
real=$tmp/real.log
gzip -dc "$source_folder/tests/data/apache_combined_2015.log.gz" >"$real"

# figures LOG OPTIONS...: ours, as sorted lines.
figures()
{
        "$UNDERSTUDY" analyze "$@" --json --top 0 | jq -r -f "$support/analyze_figures.jq" | LC_ALL=C sort
}
# A database of countries, by a writer of our own, and the list that it was made of. The last network is cut out of another.
cat >"$tmp/networks" <<'END'
0.0.0.0/2 US
66.249.0.0/16 IE
83.0.0.0/8 DE
93.114.45.0/24 JP
128.0.0.0/1 FR
200.1.0.0/16 BR
200.1.7.0/24 JP
2001:db8::/32 NO
END
perl "$support/mmdb_writer.pl" "$tmp/networks" >"$tmp/countries.mmdb"
# equals_oracle NAME LOG OWN FUNNEL GOAL...
equals_oracle()
{
        local name=$1 log=$2 own=$3 funnel=$4 goals=() goal
        shift 4
        for goal; do goals+=(--goal "$goal"); done
        perl "$support/analyze_oracle.pl" --countries "$tmp/networks" --funnel "$funnel" "$log" "$source_folder/data/bots.txt" "$own" "$@" |
                LC_ALL=C sort >"$tmp/expected"
        figures "$log" --geoip "$tmp/countries.mmdb" --funnel "$funnel" "${goals[@]}" >"$tmp/found"
        if cmp -s "$tmp/expected" "$tmp/found"; then
                pass "$name: all $(wc -l <"$tmp/expected") figures are equal"
        else
                fail "$name: figures differ"
                diag "$(diff "$tmp/expected" "$tmp/found" | head -n 20)"
        fi
}

# ---------------------------------------------------------------- real lines
status_is 0 'the real log' us analyze "$source_folder/tests/data/apache_combined_2015.log.gz" --json
json_is 'lines' .lines 10000
json_is 'invalid' .invalid 0
json_is 'hits' .hits 10000
json_is 'hosts' .hosts 1753
json_is 'nothing is approximate' '.approximate | length' 0
json_is 'the format' '.formats[0]' combined
json_is 'the site itself, found out' '.own_hosts[0]' semicomplete.com
equals_oracle 'real log' "$real" semicomplete.com 'blog,xdotool,blog' 'resume=/*resume*' 'blog=/blog/*' 'xdotool=/projects/xdotool/'

status_is 0 'bots left out' us analyze "$real" --json --top 0 --without-bots
json_is 'then all requests are those of people' '[.hits, .bot_hits, .human_hits]' '[7617,2383,7617]'
json_is 'in every list but their own' '[.browsers, .systems, .devices, .methods, .bots | map(.hits) | add]' \
        '[7617,7617,7617,7617,2383]'
without=$(json '[.hours, .days | map(.visitors)]')
us analyze "$real" --json
json_is 'people of each hour and day' '[.hours, .days | map(.human_visitors)]' "$without"
perl -e 'printf q({"v":1,"ts":"1780000000.%03d","rt":%.6f,"ip":"1.2.3.4","m":"GET","uri":"/","st":200,"bs":1,"ua":"Firefox"}) . "\n", $_, $_ * 0.0001 for 1 .. 999' >"$tmp/slow.log"
status_is 0 'durations' us analyze "$tmp/slow.log" --json
json_is 'all of them are in classes' '.duration_us.classes | map(.hits) | add' 999
ok 'those of up to 10 ms' test "$(json '[.duration_us.classes[] | select(.upto <= 10000).hits] | add | . >= 99 and . <= 101')" = true

# ---------------------------------------------------------------- generated lines
"$generator" 200000 7 3 >"$tmp/generated.log"
equals_oracle 'generated log' "$tmp/generated.log" understudy.example 'shop,one,shop' 'shop=/shop/*' 'one=/shop/item-1.html'
ok 'countries are told apart, and somebody went through the funnel' test "$(grep -cE '^(countries|funnels)' "$tmp/expected")" -ge 8
printf '%s - - [01/Jun/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "Firefox"\n' 2001:db8::7 2001:db9::7 200.1.7.9 ::ffff:200.1.8.9 host.example >"$tmp/six.log"
us analyze "$tmp/six.log" --geoip "$tmp/countries.mmdb" --json
json_is 'IPv6, and clients by name' '[.countries[] | [.name, .hits]]' '[["unknown",2],["BR",1],["JP",1],["NO",1]]'

# ---------------------------------------------------------------- the same for every reader
head -n 60000 "$tmp/generated.log" >"$tmp/part.log"
printf 'no line of a log\n\n%0100000d\n' 7 >>"$tmp/part.log"
head -n 70000 "$tmp/generated.log" | tail -n 10000 >>"$tmp/part.log"
reference=$("$UNDERSTUDY" analyze "$tmp/part.log" --json --top 0 --threads 1)
is 'invalid lines are counted' "$(jq .invalid <<<"$reference")" 2
is 'and shown' "$(jq -r '.samples[0].line' <<<"$reference")" 'no line of a log'
is 'blank lines are told' "$(jq .empty <<<"$reference")" 1
for threads in 1 2 3; do
        for block in 100 70000 1048576; do
                is "$threads threads, blocks of $block" \
                        "$("$UNDERSTUDY" analyze "$tmp/part.log" --json --top 0 --threads "$threads" --block "$block")" "$reference"
        done
done
same() # NAME COMMAND...: the same figures but for the file's name
{
        local name=$1
        shift
        is "$name" "$("$@" | jq -cS 'del(.samples[].file)')" "$(jq -cS 'del(.samples[].file)' <<<"$reference")"
}
gzip -k "$tmp/part.log"
zstd -q -k "$tmp/part.log"
same 'gzip' "$UNDERSTUDY" analyze "$tmp/part.log.gz" --json --top 0
same 'zstd' "$UNDERSTUDY" analyze "$tmp/part.log.zst" --json --top 0
same 'standard input' bash -c '"$UNDERSTUDY" analyze - --json --top 0 <"$0"' "$tmp/part.log"
same 'a pipe, packed' bash -c 'cat "$0" | "$UNDERSTUDY" analyze - --json --top 0' "$tmp/part.log.gz"
split -n l/3 "$tmp/part.log" "$tmp/piece."
gzip "$tmp/piece.ab"
same 'three files' "$UNDERSTUDY" analyze "$tmp"/piece.* --json --top 0
cat "$tmp/piece.ab.gz" <(gzip -c "$tmp/piece.ac") >"$tmp/members.gz"
same 'several members in one .gz' "$UNDERSTUDY" analyze "$tmp/piece.aa" "$tmp/members.gz" --json --top 0

# ---------------------------------------------------------------- less memory than it takes
close_to() # NAME FOUND EXACT PERCENT
{
        ok "$1: $2 is within $4 % of $3" awk -v f="$2" -v e="$3" -v p="$4" 'BEGIN { exit !(f > e * (1 - p / 100) && f < e * (1 + p / 100)) }'
}
exact=$("$UNDERSTUDY" analyze "$tmp/generated.log" --json)
status_is 0 'a limit' us analyze "$tmp/generated.log" --json --memory 4M --threads 2
ok 'what is not exact is told' test "$(json '[.approximate[].figure] | contains(["visitors", "hosts", "visits"])')" = true
is 'requests stay exact' "$(json '[.hits, .bytes, .status, .bot_hits]')" "$(jq -c '[.hits, .bytes, .status, .bot_hits]' <<<"$exact")"
# Whom it follows is chance: a run is as far from the truth as it says (its error is one standard deviation), the mean of nine is
# near it.
for run in 1 2 3 4 5 6 7 8 9; do us analyze "$tmp/generated.log" --json --memory 4M --threads 2 && cat "$tmp/stdout"; done >"$tmp/runs"
for figure in hosts visitors human_visitors visits; do
        close_to "$figure" "$(jq -s "map(.$figure) | add / length" "$tmp/runs")" "$(jq ".$figure" <<<"$exact")" 5
done
is 'a run says how far from the truth it may be' "$(jq -c --argjson exact "$exact" \
        '. as $run | .approximate[] | select(.figure | IN("hosts", "visitors", "visits")) |
        select(($run[.figure] - $exact[.figure] | fabs) > 5 * .error * $exact[.figure])' "$tmp/runs")" ''
perl -e 'for (1 .. 100000) { printf "1.2.%d.%d - - [01/Jun/2026:00:00:00 +0000] \"GET /x%d HTTP/1.1\" 404 1 \"-\" \"a%d\"\n", $_ / 250 % 250, $_ % 250, $_, $_ }
        printf "9.9.9.9 - - [01/Jun/2026:01:00:00 +0000] \"GET /real HTTP/1.1\" 200 1 \"-\" \"Firefox\"\n" for 1 .. 30' >"$tmp/attack.log"
status_is 0 'a scanner that makes up names' us analyze "$tmp/attack.log" --json --memory 8M --top 2 --threads 1
is 'its names are put together' "$(json '.pages[0].path')" '(other)'
is 'and push no page out' "$(json '.pages[1] | [.path, .hits]')" '["/real",30]'
is 'browsers stay exact' "$(json '.browsers | map({(.name): .hits}) | add')" '{"Firefox":30,"other":100000}'

# ---------------------------------------------------------------- what cannot be read
head -c 300000 "$tmp/part.log.gz" >"$tmp/cut.gz"
status_is 3 'a .gz that is cut off' us analyze "$tmp/cut.gz" --json
like 'says which and that it was cut' "$(errors)" "cut.gz is cut off"
json_is 'the figures are not said to be complete' .complete false
ok 'what could be read is counted' test "$(json .hits)" -gt 1000
status_is 3 'a file that is not there' us analyze "$tmp/nothing.log"
status_is 3 'a folder' us analyze "$tmp"
status_is 2 'no log' us analyze
status_is 3 'no database of countries' us analyze "$real" --geoip "$real"
like 'says so' "$(errors)" 'is no database of countries'
status_is 3 'one that is not there' us analyze "$real" --geoip "$tmp/nothing.mmdb"
head -c 300 "$tmp/countries.mmdb" >"$tmp/cut.mmdb"
status_is 3 'one that is cut off' us analyze "$real" --geoip "$tmp/cut.mmdb"
status_is 2 'a funnel through what is no goal' us analyze "$real" --goal a=/a --funnel a,b
status_is 2 'a goal without a path' us analyze "$real" --goal buy
done_testing
