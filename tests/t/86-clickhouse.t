#!/bin/bash
# 86-clickhouse.t - events spread over three ClickHouse servers: whatever happens to a server or to the sender, and
# whenever, the servers together say of every figure what a store that counted the same lines says; one that does not
# answer is named, and what is missing then.
. "$(dirname "$0")/lib.sh"
use clickhouse
need jq ip clickhouse-server mkfs.ext4 perl
[[ $(id -u) == 0 ]] || skip_all 'makes a network namespace: needs root'
clickhouse_network "us-ch-$$" || skip_all 'no network namespaces'
generator=$build_folder/tests/support/log_generator
"$generator" 80000 86 3 >"$tmp/generated.log"
# Before them visitors who ask for several pages within a second: the order of the log decides what was the first and last;
# and some who did not wait for the answer (000), which is no page that they saw, with statuses that are none.
{
        time=$(head -n 1 "$tmp/generated.log" | grep -o '\[[^]]*\]')
        for i in {1..20}; do
                for path in /zoo/$((i % 4)) /shop/item-1.html /download/1 /shop/item-1.html /aaa; do
                        echo "203.0.113.$i - - $time \"GET $path HTTP/1.1\" 200 10 \"-\" \"Firefox\""
                done
        done
        for i in {21..40}; do
                for path in "/gone/$i 000" '/seen/ 200' '/gone/ 000' '/odd/ 007'; do
                        echo "203.0.113.$i - - $time \"GET ${path% *} HTTP/1.1\" ${path#* } 10 \"-\" \"Firefox\""
                done
        done
        cat "$tmp/generated.log"
} >"$tmp/all.log"
log=$tmp/access.log
spool=$tmp/spool
config=$tmp/site.conf
at=0
database=portal
clickhouse_database=$database
clickhouse_password=secret
echo secret >"$tmp/password"
chmod 600 "$tmp/password"
port=([1]=8121 [2]=8122 [3]=8123)

# The first server's disk is a small one.
truncate -s 96M "$tmp/disk" && mkfs.ext4 -q -F -m 0 "$tmp/disk" && mkdir "$tmp/small" && mount -o loop "$tmp/disk" "$tmp/small" ||
        skip_all 'cannot mount a small disk'
data=([1]=$tmp/small/data [2]='' [3]='')
launch_server() { clickhouse_launch "an$1" "${port[$1]}" ${data[$1]:+"${data[$1]}"}; }
await_server() { clickhouse_ready "an$1" "${port[$1]}" || bail_out "ClickHouse $1 does not start"; }
start_server() { launch_server "$1" && await_server "$1"; }
signal_server() { kill "-$1" "${clickhouse[an$2]}"; [[ $1 != KILL ]] || wait "${clickhouse[an$2]}" 2>/dev/null; }
{
        sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
        echo "analyze { clickhouse { database = $database unproven = take_part deadline = $((1500 * ${TEST_PATIENCE:-1}))ms"
        for i in 1 2 3; do
                echo "shard \"an$i\" { url = \"http://127.0.0.1:${port[$i]}/\" user = default password_file = $tmp/password }"
        done
        echo '} }'
} >"$config"
for i in 1 2 3; do launch_server $i; done
for i in 1 2 3; do await_server $i; done

usn() { run inside "$UNDERSTUDY" "$@" && return "$status"; }
goals=('shop=/shop/*' 'one=/shop/item-1.html' 'down=/download/*')
follow=(analyze --follow "$log" --goal "${goals[0]}" --goal "${goals[1]}" --goal "${goals[2]}" --spool "$spool" --config "$config")
query=(analyze query --config "$config")
# write N: the next N lines, as a web server writes them.
write()
{
        tail -n +$((at + 1)) "$tmp/all.log" | head -n "$1" >>"$log"
        at=$((at + $1))
}
# serve [OPTION]: in the background, as $service.
serve()
{
        ip netns exec "$netns" "$UNDERSTUDY" "${follow[@]}" "$@" 2>>"$tmp/service" &
        service=$!
        cleanup_process "$service"
}
# pause MS
pause() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }
catch_up() { usn "${follow[@]}" --once || { fail 'catching up' && output_diag; }; }
figures=(--json --top 0 --metric 'hits,visitors,bytes,bot_hits,errors')
rows() { jq -S '.rows | sort_by(.page, .status, .day, .hour, tostring)'; }
# equal NAME LIST...: the servers and a store that counted the first $at lines agree.
equal()
{
        local name=$1 by differ=
        shift
        head -n "$at" "$tmp/all.log" >"$tmp/part.log"
        rm -f "$tmp"/store*
        "$UNDERSTUDY" analyze --follow "$tmp/part.log" --store "$tmp/store" --names 1000000 --once || fail 'a store'
        for by in all "$@"; do
                local list=(--by "$by")
                [[ $by != all ]] || list=()
                [[ $by != *+visits ]] || list=(--by "${by%+visits}" --metric 'hits,visits,visitors,bot_hits')
                "$UNDERSTUDY" analyze query --store "$tmp/store" "${figures[@]}" "${list[@]}" | rows >"$tmp/expected"
                inside "$UNDERSTUDY" "${query[@]}" "${figures[@]}" "${list[@]}" 2>"$tmp/stderr" | rows >"$tmp/found"
                [[ $(jq length "$tmp/expected") -gt 0 ]] && cmp -s "$tmp/expected" "$tmp/found" && continue
                differ+=" $by"
                diag "$(diff "$tmp/expected" "$tmp/found" | head -n 12; cat "$tmp/stderr")"
        done
        if [[ -z $differ ]]; then pass "$name: $at lines, equal"; else fail "$name: differs by$differ"; fi
}
# on I SQL: what a server says.
on() { clickhouse_sql "${port[$1]}" "$2"; }
everywhere() { for i in 1 2 3; do on "$i" "$1"; done | awk '{ sum += $1 } END { print sum }'; }
hits() { everywhere 'SELECT count() FROM event'; }
has_hits() { [[ $(on "$1" 'SELECT count() FROM event') -ge $2 ]]; }
waiting() { find "$spool/an$1" -type f | wc -l; }
drained() { [[ $(find "$spool"/an? -type f | wc -l) == 0 ]]; }

# ---------------------------------------------------------------- tables
status_is 3 'servers without tables' usn "${query[@]}"
like 'say what to do' "$(errors)" "analyze migrate"
status_is 0 'migrate' usn analyze migrate --config "$config"
is 'each server' "$(grep -c 'now, 0 before' "$tmp/stdout")" 3
status_is 0 'again' usn analyze migrate --config "$config" --json
json_is 'has nothing to do' '[.shards[] | select(.before == .version)] | length' 3

# ---------------------------------------------------------------- figures
write 20000
catch_up
equal 'the first lines' page asset not_found status method browser system device bot referrer referrer_page campaign \
        day hour page,day status,hour
equal 'their visits, first and last pages' {entry,exit,browser,system,device,bot,referrer,campaign,day,hour,entry\,day,exit\,hour,referrer\,day}+visits
# What the order of a visitor's requests decides, beside a program that shares nothing with this one.
oracle=$source_folder/tests/support/analyze_oracle.pl
{
        perl "$oracle" --funnel shop,one,shop --funnel down,shop "$log" "$source_folder/data/bots.txt" understudy.example "${goals[@]}" |
                grep -E $'^(total\tvisits|entry_pages|exit_pages|referrers|campaigns|funnels)\t'
} | LC_ALL=C sort >"$tmp/expected"
# servers JQ OPTION...: their answer as such lines.
servers() { inside "$UNDERSTUDY" "${query[@]}" --json --top 0 "${@:2}" | jq -r "$1 | map(tostring) | join(\"\\t\")"; }
{
        servers '.rows[] | ["total", "visits", .visits]' --metric visits
        servers '.rows[] | ["entry_pages", .entry, .hits, .visitors]' --by entry
        servers '.rows[] | ["exit_pages", .exit, .hits, .visitors]' --by exit
        servers '.rows[] | ["referrers", .referrer, .hits, .visitors, .visits]' --by referrer --own understudy.example --metric hits,visitors,visits
        servers '.rows[] | ["campaigns", .campaign, .hits, .visitors, .visits]' --by campaign --metric hits,visitors,visits
        for funnel in shop,one,shop down,shop; do
                servers ".funnel | to_entries[] | select(.value.visitors > 0) | [\"funnels\", \"$funnel \\(.key + 1)\", .value.visitors, .value.human_visitors]" --funnel "$funnel"
        done
} | LC_ALL=C sort >"$tmp/found"
ok 'visits, first and last pages and funnels are those of an independent program' cmp "$tmp/expected" "$tmp/found"
diag "$(diff "$tmp/expected" "$tmp/found" | head -n 12)"
ok 'many of them' test "$(wc -l <"$tmp/found")" -gt 1000
ok 'somebody went through the funnel' grep -q '^funnels.*shop,one,shop 3' "$tmp/found"
usn "${query[@]}" --funnel shop,one,nowhere
like 'a funnel in words' "$(output)" '0 +0  nowhere'
status_is 2 'a visit is of no page alone' usn "${query[@]}" --by page --metric visits
status_is 2 'a funnel has no list' usn "${query[@]}" --by page --funnel shop
status_is 2 'nor a step without a name' usn "${query[@]}" --funnel shop,,one
us analyze query --store "$tmp/store" --funnel shop; is 'a store has funnels of its own' "$status" 2
usn "${query[@]}" --by status --where 'status=000' --json
json_is 'a client that did not wait is a status of its own' '.rows | map([.status, .hits])' '[["000",40]]'
usn "${query[@]}" --json
json_is 'all three answered' '.servers | [.asked, .answered, .missing_percent]' '[3,3,0]'
visitors=$(jq '.rows[0].visitors' "$tmp/stdout")
is "visitors of the servers add up" "$(everywhere 'SELECT uniqExactIf(visitor, intDiv(status, 100) != 4) FROM event')" "$visitors"
few=$(for i in 1 2 3; do on $i 'SELECT uniqExact(visitor) FROM event'; done | sort -n | head -n 1)
ok 'and are spread evenly' test "$((few * 100))" -gt "$((visitors * 25))"
is 'a part of the time and of the names' "$(inside "$UNDERSTUDY" "${query[@]}" --where 'page=/p*' "${figures[@]}" | rows)" \
        "$("$UNDERSTUDY" analyze query --store "$tmp/store" --where 'page=/p*' "${figures[@]}" | rows)"
catch_up
is 'nothing new' "$(hits)" "$(awk 'END { print NR }' "$log")"

# ---------------------------------------------------------------- a server is killed
signal_server KILL 2
write 3000
status_is 3 'one is down' usn "${follow[@]}" --once
like 'says so' "$(errors)" 'analysis server an2'
ok 'its batches are kept' test "$(waiting 2)" -gt 0
is 'the others have theirs' "$(waiting 1) $(waiting 3)" '0 0'
status_is 1 'the figures are not all' usn "${query[@]}" --json
json_is 'two answered' '.servers | [.asked, .answered, .missing_percent, .silent[0].shard]' '[3,2,33,"an2"]'
usn "${query[@]}"
like 'whose salts they are is said' "$(<"$tmp/stdout")" 'do not share salts .*two visitors'
like 'in words' "$(<"$tmp/stdout")" '2 of 3 analysis servers answered\. About 33 % of all visitors'
start_server 2
catch_up
equal 'it is back' page day

# ---------------------------------------------------------------- a server hangs
signal_server STOP 3
write 3000
begin=$SECONDS
status_is 3 'one hangs' usn "${follow[@]}" --once
status_is 1 'nobody waits for it' usn "${query[@]}" --json
ok 'for long' test $((SECONDS - begin)) -lt 30
json_is 'it is named' '.servers.silent[0].shard' an3
signal_server CONT 3
catch_up
equal 'it goes on' page day
# It stops while it takes a batch, and whoever sent it is killed and sends it again: the first one is still on its way.
for i in 1 2 3; do
        write 3000
        serve
        pause $((i * 40))
        signal_server STOP 3
        sleep 0.3
        kill -KILL "$service"; wait "$service" 2>/dev/null
        serve --once
        sleep 0.5
        signal_server CONT 3
        wait "$service"
done
catch_up
equal 'stopped, and its sender killed' day

# ---------------------------------------------------------------- the sender is killed
for i in {1..9}; do
        write 2000
        serve
        pause $((i * 40))
        kill -KILL "$service"; wait "$service" 2>/dev/null
done
catch_up
is 'killed nine times: nothing is lost or doubled' "$(hits)" "$at"
equal 'killed nine times' page day

# ---------------------------------------------------------------- a server is killed while it takes a batch
for i in 1 2 3; do
        write 2000
        serve
        pause $((i * 40))
        signal_server KILL 1
        start_server 1
        ok "takes its batches again ($i)" wait_for 60 drained
        kill -TERM "$service"; wait "$service"
done
catch_up
is 'killed while it takes batches: nothing is lost or doubled' "$(hits)" "$at"

# ---------------------------------------------------------------- its disk is full
fallocate -l "$(($(stat -f -c '%a * %S' "$tmp/small") - 16384))" "$tmp/small/filler"
write 6000
status_is 3 'a full disk' usn "${follow[@]}" --once
like 'is told' "$(errors)" 'analysis server an1'
ok 'and its batches are kept' test "$(waiting 1)" -gt 0
is 'the others have theirs' "$(waiting 2) $(waiting 3)" '0 0'
rm "$tmp/small/filler"
catch_up
equal 'room again' page day

# ---------------------------------------------------------------- the spool is full
signal_server KILL 2
write 9000
status_is 3 'a spool that is full' usn "${follow[@]}" --spool-limit 1M --once
write 1
status_is 3 'lets nothing more in' usn "${follow[@]}" --spool-limit 100K --once
like 'and says so' "$(errors)" 'the spool of the analysis server an2 is full'
start_server 2
catch_up
equal 'a returning server with its spool' page day entry+visits day+visits

# ---------------------------------------------------------------- at all the other times
us "${query[@]}" --by search; is 'a list that the servers do not keep' "$status" 2
us analyze --follow "$log" --spool "$spool"; is 'a spool without a configuration' "$status" 2
is 'who came is not in the spool' "$(find "$spool" -name salts -perm 600 | wc -l)" 1
done_testing
