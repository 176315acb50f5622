#!/bin/bash
# 87-clickhouse-schema.t - the tables of an analysis server: those of an older version are brought to this one with all that
# is in them; figures come from rollups that a view keeps, which has each batch once, whatever breaks off between the two;
# and what a beacon tells is there as it is in a store.
. "$(dirname "$0")/lib.sh"
use clickhouse
need jq ip clickhouse-server
[[ $(id -u) == 0 ]] || skip_all 'makes a network namespace: needs root'
clickhouse_network "us-cs-$$" || skip_all 'no network namespaces'
generator=$build_folder/tests/support/log_generator
"$generator" 12000 87 3 >"$tmp/all.log"
config=$tmp/site.conf
spool=$tmp/spool
clickhouse_launch an1 8121 && clickhouse_ready an1 8121 || bail_out 'ClickHouse does not start'
# configure DATABASE
configure()
{
        clickhouse_database=$1
        {
                sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
                echo "analyze { clickhouse { database = $1 unproven = take_part deadline = $((5 * ${TEST_PATIENCE:-1}))s"
                echo 'shard "an1" { url = "http://127.0.0.1:8121/" } } }'
        } >"$config"
}
usn() { run inside "$UNDERSTUDY" "$@" && return "$status"; }
on() { clickhouse_sql 8121 "$1"; }
test_equal() { [[ $("${@:2}") == "$1" ]]; }
follow=(analyze --follow --spool "$spool" --config "$config" --once)
query=(analyze query --config "$config")
figures=(--json --top 0 --metric 'hits,visitors,bytes,bot_hits,errors')
rows() { jq -S '.rows | sort_by(tostring)'; }
# agree NAME STORE OPTION... -- LIST...: the server and a store say the same.
agree()
{
        local name=$1 store=$2 options=() by differ=
        shift 2
        while [[ $1 != -- ]]; do options+=("$1"); shift; done
        shift
        for by; do
                local list=(--by "$by")
                [[ $by != all ]] || list=()
                "$UNDERSTUDY" analyze query --store "$store" "${figures[@]}" "${options[@]}" "${list[@]}" | rows >"$tmp/expected"
                inside "$UNDERSTUDY" "${query[@]}" "${figures[@]}" "${options[@]}" "${list[@]}" 2>"$tmp/stderr" | rows >"$tmp/found"
                [[ $(jq length "$tmp/expected") -gt 0 ]] && cmp -s "$tmp/expected" "$tmp/found" && continue
                differ+=" $by"
                diag "$(diff "$tmp/expected" "$tmp/found" | head -n 12; cat "$tmp/stderr")"
        done
        if [[ -z $differ ]]; then pass "$name"; else fail "$name: differs by$differ"; fi
}
lists=(all page asset not_found status method browser system device bot referrer referrer_page campaign day hour month 'page,day' 'page,hour' 'status,hour')
few=(all page referrer 'status,hour')

# ---------------------------------------------------------------- the tables of version 1, with events in them
configure older
head -n 8000 "$tmp/all.log" >"$tmp/access.log"
"$UNDERSTUDY" analyze --follow "$tmp/access.log" --store "$tmp/store" --names 1000000 --once || fail 'a store'
usn analyze migrate --config "$config"
status_is 0 'events' usn "${follow[@]}" "$tmp/access.log"
columns='day, node, sequence, ms, visitor, source, host, method, path, asset, status, bytes, referrer, referrer_page, campaign, browser, system, device, bot, country'
types='day Date, node UInt64, sequence UInt32, ms UInt32, visitor UInt64, source UInt8, host String, method String, path String, asset UInt8, status UInt16, bytes UInt64, referrer String, referrer_page String, campaign String, browser String, system String, device String, bot String, country String'
on 'RENAME TABLE event TO kept'
for table in rollup_view rollup node standing schema; do on "DROP TABLE $table"; done
on "CREATE TABLE event ($types) ENGINE = MergeTree PARTITION BY (toYYYYMM(day), intDiv(sequence, 4294967295)) ORDER BY (day, source, visitor, ms) SETTINGS index_granularity = 8192"
on 'CREATE TABLE schema (version UInt32, made DateTime) ENGINE = MergeTree PARTITION BY tuple() ORDER BY version'
on 'INSERT INTO schema VALUES (1, now())'
on "INSERT INTO event ($columns) SELECT $columns FROM kept"
on 'DROP TABLE kept'
agree 'before the update, from the events themselves' "$tmp/store" -- all page status,hour
head -n 9000 "$tmp/all.log" >"$tmp/more.log"
tail -n 1000 "$tmp/more.log" >>"$tmp/access.log"
status_is 3 'events are not sent to older tables' usn "${follow[@]}" "$tmp/access.log"
like 'and it is said what to do' "$(errors)" 'analyze migrate'
ok 'they wait' test "$(find "$spool/an1" -type f | wc -l)" -gt 0
status_is 0 'migrate' usn analyze migrate --config "$config" --json
json_is 'from 1 to 4' '.shards[0] | [.before, .version]' '[1,4]'
is 'versions are kept in a table' "$(on 'SELECT version FROM schema ORDER BY version' | tr '\n' ' ')" '1 2 3 4 '
agree 'everything from before is in the rollups' "$tmp/store" -- "${lists[@]}"
usn "${follow[@]}" "$tmp/access.log"
"$UNDERSTUDY" analyze --follow "$tmp/access.log" --store "$tmp/store" --names 1000000 --once || fail 'a store'
agree 'and what waited' "$tmp/store" -- "${few[@]}"
status_is 0 'again' usn analyze migrate --config "$config" --json
json_is 'has nothing to do' '.shards[0].before' 4
on 'INSERT INTO schema VALUES (5, now())'
status_is 3 'tables of a newer version' usn analyze migrate --config "$config"
like 'are left alone' "$(errors)" 'newer version'

# ---------------------------------------------------------------- the tables of version 2
configure second
rm -rf "$spool"
usn analyze migrate --config "$config"
on 'ALTER TABLE event DROP COLUMN place'
on 'DROP TABLE salted'
on "ALTER TABLE schema DELETE WHERE version >= 3"
ok 'version 2' wait_for 20 test_equal 2 on 'SELECT max(version) FROM schema'
status_is 3 'events with places are not sent to them' usn "${follow[@]}" "$tmp/access.log"
status_is 0 'migrate' usn analyze migrate --config "$config" --json
json_is 'from 2 to 4' '.shards[0] | [.before, .version]' '[2,4]'
status_is 0 'they are sent' usn "${follow[@]}" "$tmp/access.log"
agree 'and agree' "$tmp/store" -- "${few[@]}" entry

# ---------------------------------------------------------------- rollups
configure rolled
rm -rf "$spool"
usn analyze migrate --config "$config"
usn "${follow[@]}" "$tmp/access.log"
agree 'while events come in' "$tmp/store" -- "${few[@]}"
figures=(--json --top 0 --metric 'hits,bytes,bot_hits,errors') # a store has no different visitors of some hours
agree 'of some hours' "$tmp/store" --from "$(date -u -d "@$(($(on 'SELECT toUnixTimestamp(toDateTime(min(day))) FROM event') + 7200))" +%Y-%m-%dT%H:00:00Z)" -- all page status
figures=(--json --top 0 --metric 'hits,visitors,bytes,bot_hits,errors')
is 'each batch has its proof' "$(on 'SELECT (SELECT count() FROM (SELECT node, sequence FROM event GROUP BY node, sequence)) = (SELECT uniqExact(name) FROM rollup WHERE kind = 0)')" 1
# The server was killed between the rows and what its view makes of them.
on 'DETACH TABLE rollup_view'
head -n 10500 "$tmp/all.log" | tail -n 1500 >>"$tmp/access.log"
status_is 0 'rows without their rollup' usn "${follow[@]}" "$tmp/access.log"
on 'ATTACH TABLE rollup_view' 
head -n 12000 "$tmp/all.log" | tail -n 1500 >>"$tmp/access.log"
status_is 0 'and with it' usn "${follow[@]}" "$tmp/access.log"
"$UNDERSTUDY" analyze --follow "$tmp/access.log" --store "$tmp/store" --names 1000000 --once || fail 'a store'
agree 'are mended, and none is doubled' "$tmp/store" -- "${few[@]}" campaign browser day
# Batches of before the updates, whose rows have no marks, and no place.
on 'RENAME TABLE schema TO hidden'
for structure in 1 2; do
        tail -n 1 "$tmp/access.log" >>"$tmp/access.log"
        usn "${follow[@]}" "$tmp/access.log"
        batch=$(find "$spool/an1" -type f -name '*.3')
        case $structure in
        1) truncate -s -5 "$batch" && mv "$batch" "${batch%.3}" ;;
        2) truncate -s -4 "$batch" && mv "$batch" "${batch%.3}.2" ;;
        esac
done
on 'RENAME TABLE hidden TO schema'
status_is 0 'a batch of an older version' usn "${follow[@]}" "$tmp/access.log"
"$UNDERSTUDY" analyze --follow "$tmp/access.log" --store "$tmp/store" --names 1000000 --once || fail 'a store'
agree 'counts' "$tmp/store" -- all page
on 'CREATE TABLE empty AS event'
on 'RENAME TABLE event TO kept, empty TO event'
agree 'no event is read for them' "$tmp/store" -- all page status,hour referrer

# ---------------------------------------------------------------- what a beacon tells
configure beacons
rm -rf "$spool"
usn analyze migrate --config "$config"
beacon=$tmp/beacon.log
view() { beacon "$1" "$2" "e=v&u=http%3A%2F%2Fa.example%2F$3"; }
# beacon SECONDS ADDRESS BODY [AGENT]
beacon() { printf '{"b":1,"ts":"%d.123","ip":"192.0.2.%d","m":"POST","origin":"http://a.example","ref":"","ua":"%s","body":"%s"}\n' $((1780000000 + $1)) "$2" "${4:-Mozilla/5.0 Firefox/128.0}" "$3" >>"$beacon"; }
page='u=http%3A%2F%2Fa.example%2Fcart'
for i in {1..9}; do
        view $((i * 10)) "$i" "p$((i % 3))"
        beacon $((i * 10 + 1)) "$i" "e=e&$page&n=signup&plan=gold$((i % 2))&from=a%3Db"
        beacon $((i * 10 + 2)) "$i" "e=w&$page&l=$((900 + i * 37))&c=$((i * 3))&i=$((i % 4 * 20))"
done
beacon 200 3 "e=e&$page&n=signup&plan=gold1"
beacon 201 3 "e=o&$page&n=https%3A%2F%2Fother.example%2Fthere"
beacon 202 4 "e=w&$page&l=99999" 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
beacon 203 5 "e=e&$page&n=$(printf 'n%.0s' {1..700})"
goals=(--goal 'in=event:signup' --goal 'first=/p1' --goal 'shop=/p*')
"$UNDERSTUDY" analyze --follow "$beacon" --store "$tmp/beacons" "${goals[@]}" --once || fail 'a store'
status_is 0 'beacons' usn "${follow[@]}" "${goals[@]}" "$beacon"
agree 'views, events, properties, links out and goals are those of a store' "$tmp/beacons" --source beacon -- all page browser host event property outbound goal goal,hour event,day
vitals() { "$@" analyze query --vitals --json "${vitals_from[@]}" | jq -S .web_vitals; }
vitals_from=(--store "$tmp/beacons")
expected=$(vitals "$UNDERSTUDY")
vitals_from=(--config "$config")
is 'so are web vitals' "$(vitals inside "$UNDERSTUDY")" "$expected"
is 'of people' "$(jq .lcp_ms.views <<<"$expected")" 9
usn analyze query --config "$config" --vitals
like 'in words' "$(output)" 'LCP: three of four'
line() { printf '192.0.2.%d - - [28/May/2026:20:26:4%d +0000] "GET %s HTTP/1.1" %d 10 "-" "Firefox"\n' "$1" "$1" "$2" "$3" >>"$tmp/goals.log"; }
line 1 /p1 200; line 2 /p1 404; line 3 /p2 200; line 4 /other 200; line 1 /p1 500
"$UNDERSTUDY" analyze --follow "$tmp/goals.log" --store "$tmp/goals" "${goals[@]}" --once || fail 'a store'
status_is 0 'goals of an access log' usn "${follow[@]}" "${goals[@]}" "$tmp/goals.log"
agree 'are those of a store' "$tmp/goals" -- goal all page

# ---------------------------------------------------------------- who embeds the script
script=/understudy/visits-1-0123456789abcdef.js
fetch() { printf '192.0.2.9 - - [%s +0000] "GET %s HTTP/1.1" %s 900 "%s" "Firefox"\n' "$1" "$script" "$2" "$3" >>"$tmp/fetches.log"; }
fetch 24/Nov/2026:09:00:00 200 'https://www.shop.example/cart?x=1'
fetch 24/Nov/2026:11:00:00 304 'https://shop.example/'
fetch 26/Nov/2026:12:00:00 200 'https://shop.example/'
fetch 25/Nov/2026:12:00:00 200 '-'
fetch 25/Nov/2026:12:00:00 404 'https://none.example/'
fetch 25/Nov/2026:12:30:00 200 'https://news.example:8443/a'
"$UNDERSTUDY" analyze --follow "$tmp/fetches.log" --store "$tmp/fetches" --server second --once || fail 'a store'
rm -rf "$spool"
status_is 0 'fetches' usn "${follow[@]}" --server second "$tmp/fetches.log"
for time in '' '--from 2026-11-25 --to 2026-11-26'; do
        # shellcheck disable=SC2086 # options
        "$UNDERSTUDY" analyze embedders --store "$tmp/fetches" $time --json | jq -S .embedders >"$tmp/expected"
        # shellcheck disable=SC2086
        usn analyze embedders --config "$config" $time --json
        is "who embeds it, from which server, when: as a store ($time)" "$(jq -S .embedders "$tmp/stdout")" "$(<"$tmp/expected")"
done
ok 'somebody does' test "$(jq length "$tmp/expected")" -gt 0
done_testing
