#!/bin/bash
# 88-clickhouse-trust.t - of several analysis servers only those take part whose build and script are proven equal to their
# signed release and that give out this script: all others get no events and answer no question, and both is told.
. "$(dirname "$0")/lib.sh"
use clickhouse
need jq ip clickhouse-server nginx curl
[[ $(id -u) == 0 ]] || skip_all 'makes a network namespace: needs root'
clickhouse_network "us-ct-$$" || skip_all 'no network namespaces'
clickhouse_launch an1 8121
clickhouse_launch an2 8122
make_site "$tmp/src"
mkdir "$tmp/src/bin"
cp "$UNDERSTUDY" "$tmp/src/bin/understudy"
us analyze tag --into "$tmp/src"
script=$(sed -n '1s/.* src="\([^"]*\)".*/\1/p' "$tmp/stdout")
make_repository
make_standby
tree=([1]=$dest [2]=$tmp/second)
us pull "${tree[2]}" --repo "$repo" --pub "$pub"
for i in 1 2; do us verify "${tree[$i]}" --pub "$pub"; done
clickhouse_ready an1 8121 && clickhouse_ready an2 8122 || bail_out 'ClickHouse does not start'

# What visitors get from each: nginx on the tree, until somebody changes its configuration.
nginx_config()
{
        cat >"$tmp/nginx.conf" <<END
$([[ $EUID -ne 0 ]] || echo 'user root;')
daemon off; master_process on; worker_processes 1; pid $tmp/nginx.pid; error_log $tmp/nginx.log;
events { worker_connections 50; }
http {
        access_log off;
        client_body_temp_path $tmp/body; proxy_temp_path $tmp/t1; fastcgi_temp_path $tmp/t2; uwsgi_temp_path $tmp/t3; scgi_temp_path $tmp/t4;
        types { application/javascript js; }
        server { listen 127.0.0.1:8201; root ${tree[1]}; }
        server { listen 127.0.0.1:8202; root ${tree[2]}; ${1:-} }
}
END
}
nginx_config
ip netns exec "$netns" nginx -c "$tmp/nginx.conf" -p "$tmp" 2>"$tmp/nginx.err" &
cleanup_process "$!"
serves() { inside curl -sf -o "$tmp/served" --max-time 5 "http://127.0.0.1:820$1$script"; }
wait_for 10 serves 2 || { diag "$(cat "$tmp/nginx.err" "$tmp/nginx.log")"; bail_out 'nginx does not start'; }
# gives TEXT: nginx, with this in the second server.
gives() { nginx_config "$1" && inside nginx -c "$tmp/nginx.conf" -p "$tmp" -s reload 2>"$tmp/nginx.err"; }

config=$tmp/site.conf
{
        sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
        echo "analyze { clickhouse { database = portal deadline = $((2 * ${TEST_PATIENCE:-1}))s"
        for i in 1 2; do
                echo "shard \"an$i\" { url = \"http://127.0.0.1:812$i/\" script = \"http://127.0.0.1:820$i/understudy/\" }"
        done
        echo '} }'
} >"$config"
clickhouse_database=portal
usn() { run inside "$UNDERSTUDY" "$@" && return "$status"; }
log=$tmp/access.log
at=0
# write: ten further requests, each of another visitor.
write()
{
        local i
        for i in {1..10}; do
                at=$((at + 1))
                printf '192.0.2.%d - - [26/Nov/2026:10:00:%02d +0000] "GET /page HTTP/1.1" 200 10 "-" "Firefox"\n' "$at" "$((at % 60))" >>"$log"
        done
}
follow=(analyze --follow "$log" --spool "$tmp/spool" --config "$config" --once)
query=(analyze query --config "$config" --json)
events() { clickhouse_sql "812$1" 'SELECT count() FROM event'; }
# vouch N: on server N, its own program.
declare -A voucher=()
vouch()
{
        ip netns exec "$netns" "${tree[$1]}/bin/understudy" analyze vouch --config "$config" --shard "an$1" --require "${tree[$1]}" --pub "$pub" 2>>"$tmp/vouch$1" &
        voucher[$1]=$!
        cleanup_process "$!"
}
unvouch() { kill "-$2" "${voucher[$1]}" && wait "${voucher[$1]}" 2>/dev/null; }
# answers FIGURES: [asked, answered, left out]
answers() { usn "${query[@]}"; [[ $(jq -c '.servers | [.asked, .answered, ([.silent[] | select(.left_out)] | length)]' "$tmp/stdout" 2>/dev/null) == "$1" ]]; }
reason() { jq -r '.servers.silent[0].reason' "$tmp/stdout"; }
usn analyze migrate --config "$config" --quiet

# ---------------------------------------------------------------- nobody vouches for them
write
status_is 3 'no server is proven' usn "${follow[@]}"
like 'and it is said why' "$(errors)" 'an1 is left out: nobody vouches for it'
is 'none gets an event' "$(events 1) $(events 2)" '0 0'
status_is 4 'none is asked' usn "${query[@]}"
like 'and it is said' "$(errors)" 'left out: nobody vouches'
status_is 4 'another program cannot vouch' usn analyze vouch --config "$config" --shard an1 --require "${tree[1]}" --pub "$pub" --once
like 'and says so' "$(errors)" 'the program that runs is not in the trees'
status_is 4 'nor is it believed' usn "${query[@]}"
vouch 1
vouch 2
ok 'both are proven' wait_for 20 answers '[2,2,0]'
status_is 0 'events are sent' usn "${follow[@]}"
is 'all of them' "$(($(events 1) + $(events 2)))" 10
ok 'and each gets some' test "$(events 1)" -gt 0 -a "$(events 2)" -gt 0

# ---------------------------------------------------------------- somebody changes one of the trees
echo "<?php evil();" >>"${tree[2]}/index.php"
us verify "${tree[2]}" --pub "$pub"
is "a page was changed" "$status" 1
ok 'the server is left out' wait_for 20 answers '[2,1,1]'
is 'with status 1' "$status" 1
like 'the reason is told' "$(reason)" "an2 is left out: ${tree[2]}: it differed"
usn analyze query --config "$config"
like 'in words' "$(output)" '1 of 2 analysis servers answered\. 1 was left out because it is not proven\. About 50 %'
before=$(events 2)
write
status_is 3 'its events wait' usn "${follow[@]}"
is 'it gets none' "$(events 2)" "$before"
ok 'the other does' test "$(events 1)" -gt $((10 - before))
us pull "${tree[2]}" --repo "$repo" --pub "$pub"
us verify "${tree[2]}" --pub "$pub"
sleep 3
ok 'a process from before the pull does not vouch' answers '[2,1,1]'
unvouch 2 TERM
vouch 2
ok 'one of the tree does' wait_for 20 answers '[2,2,0]'
status_is 0 'what waited is sent' usn "${follow[@]}"
is 'each event once' "$(($(events 1) + $(events 2)))" 20

# ---------------------------------------------------------------- the tree is right, and visitors get another script
mkdir -p "$tmp/evil/understudy"
{ cat "${tree[2]}$script"; echo 'evil()'; } >"$tmp/evil$script"
gives "location /understudy/ { root $tmp/evil; }"
ok 'a web server that gives out another script is left out' wait_for 20 answers '[2,1,1]'
like 'by the integrity of the tag' "$(reason)" 'is not the tag.s script: its hash is sha256-.*integrity is sha256-'
before=$(events 2)
write
status_is 3 'gets no events' usn "${follow[@]}"
like 'and whom to tell is said' "$(errors)" 'analyze embedders'
is 'none at all' "$(events 2)" "$before"
gives "location /understudy/ { return 302 http://127.0.0.1:8201\$uri; }"
elsewhere() { answers '[2,1,1]' && [[ $(reason) == *'status 302'* ]]; }
ok 'one that sends visitors elsewhere does not give it out' wait_for 20 elsewhere
head -c 200000 /dev/zero >"$tmp/evil$script"
gives "location /understudy/ { root $tmp/evil; }"
long() { answers '[2,1,1]' && [[ $(reason) == *'far longer'* ]]; }
ok 'more than it may be is not read' wait_for 20 long
gives 'location /understudy/ { limit_rate 10; }'
slow() { answers '[2,1,1]' && [[ $(reason) == *'cannot be fetched'* ]]; }
ok 'nor waited for' wait_for 20 slow
gives ''
ok 'and it is right again' wait_for 20 answers '[2,2,0]'
status_is 0 'what waited is sent' usn "${follow[@]}"
is 'each event once' "$(($(events 1) + $(events 2)))" 30

# ---------------------------------------------------------------- it falls silent
unvouch 2 KILL
clickhouse_sql 8122 "TRUNCATE TABLE standing"
ok 'a server for which nobody vouches any more is left out' answers '[2,1,1]'
clickhouse_sql 8122 "INSERT INTO standing SELECT 'an2', now() - 60, ''"
ok 'what was said a minute ago does not count' answers '[2,1,1]'
clickhouse_sql 8122 "INSERT INTO standing SELECT 'an1', now(), ''"
ok 'nor what another server said' answers '[2,1,1]'
sed -i 's/deadline/unproven = take_part &/' "$config"
ok 'unless the configuration lets unproven servers take part' answers '[2,2,0]'
usn analyze vouch --config "$config" --shard an3 --require "${tree[1]}"
is 'a shard that is none' "$status" 2
done_testing
