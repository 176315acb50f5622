#!/bin/bash
# 88-spool-attacks.t - what lies in the spool instead of a batch, or beside it: pipes, links, batches that were cut, sent
# again, or are another server's. None of it is waited for, followed or counted twice, and what cannot be sent is told.
. "$(dirname "$0")/lib.sh"
use clickhouse
need jq ip clickhouse-server
[[ $(id -u) == 0 ]] || skip_all 'makes a network namespace: needs root'
clickhouse_network "us-sp-$$" || skip_all 'no network namespaces'
config=$tmp/site.conf
spool=$tmp/spool
log=$tmp/access.log
clickhouse_launch an1 8121 && clickhouse_ready an1 8121 || bail_out 'ClickHouse does not start'
clickhouse_database=portal
{
        sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
        echo "analyze { clickhouse { database = portal unproven = take_part deadline = $((5 * ${TEST_PATIENCE:-1}))s"
        echo 'shard "an1" { url = "http://127.0.0.1:8121/" } } }'
} >"$config"
usn() { run inside "$UNDERSTUDY" "$@" && return "$status"; }
follow() { usn analyze --follow "$log" --spool "$spool" --config "$config" --once; }
hits() { usn analyze query --config "$config" --json; jq -c '.rows[0].hits' "$tmp/stdout"; }
visit() { for i in {1..10}; do echo "203.0.113.$i - - [$(LC_ALL=C date -u +%d/%b/%Y):00:00:0$((i % 10)) +0000] \"GET /page HTTP/1.1\" 200 10 \"-\" \"Firefox\"" >>"$log"; done; }
away() { on 'RENAME TABLE event TO gone'; }  # the server takes no batch
back() { on 'RENAME TABLE gone TO event'; }
on() { clickhouse_sql 8121 "$1"; }
usn analyze migrate --config "$config"
visit
follow
is 'ten events arrive' "$(hits)" 10
cp -rp "$spool" "$tmp/copy"
away
visit
follow
batch=$(find "$spool/an1" -type f)
ok 'a batch waits' test -s "$batch"
cp -p "$batch" "$tmp/batch"
name=${batch##*/}

# ---------------------------------------------------------------- something else in its place
rm "$batch"
mkfifo "$batch"
back
timeout -k 5 60 ip netns exec "$netns" "$UNDERSTUDY" analyze --follow "$log" --spool "$spool" --config "$config" --once >/dev/null 2>"$tmp/stderr"
is 'a pipe is refused, and not waited for' $? 4
like 'and it is named' "$(errors)" "$name in the spool .* is no batch of ours"
rm "$batch"
ln -s "$tmp/batch" "$batch"
follow
is 'a link is refused' "$status" 4
rm "$batch"
ln "$tmp/batch" "$batch"
follow
is 'a file that has another name is refused' "$status" 4
rm "$batch"
cp "$tmp/batch" "$batch"
chown nobody "$batch"
follow
is "somebody else's file is refused" "$status" 4
rm "$batch"
chmod 777 "$spool/an1"
follow
is 'a folder that others can write in is refused' "$status" 4
like 'and it is said what for' "$(errors)" 'others could put events into the spool'
chmod 700 "$spool/an1"
is 'nothing of it was counted' "$(hits)" 10

# ---------------------------------------------------------------- cut
head -c 100 "$tmp/batch" >"$batch"
follow
is 'a batch that was cut is not taken' "$status" 3
like 'and it is told' "$(errors)" 'an1'
is 'no part of it is counted' "$(hits)" 10
ok 'it stays for who looks into it' test -s "$batch"
cp -p "$tmp/batch" "$batch"
follow
is 'put back, it is sent' "$status" 0
is 'whole' "$(hits)" 20
not_ok 'and is gone' test -e "$batch"

# ---------------------------------------------------------------- sent again
cp -p "$tmp/batch" "$batch"
follow
is 'a batch that was sent is not counted again' "$(hits)" 20
not_ok 'and is removed' test -e "$batch"
IFS=. read -r sequence rest <<<"$name"
next=$(printf '%010d' $((10#$sequence + 5))).$rest
cp -p "$tmp/batch" "$spool/an1/$next"
follow
is 'nor under a number that was never given' "$(hits)" 20
not_ok 'which is removed, too' test -e "$spool/an1/$next"

# ---------------------------------------------------------------- another server's, replaced while the service runs
visit
follow
cp "$log" "$tmp/other.log"
inside "$UNDERSTUDY" analyze --follow "$tmp/other.log" --spool "$tmp/other" --config "$config" --once
is 'another server has events of its own' "$(hits)" 60
away
visit
inside "$UNDERSTUDY" analyze --follow "$log" --spool "$spool" --config "$config" 2>"$tmp/service" &
service=$!
cleanup_process "$service"
waits() { batch=$(find "$spool/an1" -type f) && [[ -n $batch ]]; }
ok 'a service has a batch that waits' wait_for 30 waits
cp -p "$batch" "$tmp/batch"
rm "$batch" && mkfifo "$batch"
back
told() { grep -q 'is not the file that was written' "$tmp/service"; }
ok 'a pipe in its place is told' wait_for 60 told
pid=$(pgrep -P "$service") || pid=$service
kill "$pid"
ends() { ! kill -0 "$service" 2>/dev/null; }
ok 'and the service can be ended' wait_for 30 ends
is 'nothing of it was counted' "$(hits)" 60
rm "$batch" && cp -p "$tmp/batch" "$batch"
follow
is 'put back, it is sent' "$(hits)" 70
done_testing
