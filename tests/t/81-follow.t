#!/bin/bash
# 81-follow.t - analyze --follow: whatever is done to the logs, and whenever it is killed, the store says of every figure
# what an analysis of all lines at once says, and a count by awk that shares nothing with either.
. "$(dirname "$0")/lib.sh"
need jq gzip awk sqlite3
generator=$build_folder/tests/support/log_generator
"$generator" 60000 11 2 >"$tmp/all.log"
mkdir "$tmp/logs"
log=$tmp/logs/access.log
store=$tmp/store.db
at=0
goals=(--goal 'blog=/blog/*' --goal 'shop=/shop/*' --goal 'logo=/img/logo.svg' --goal 'app=/js/app.js' --funnel 'app,logo,shop' --funnel 'logo,app')

# write N: the next N lines go to the log's end, as a web server writes them.
write()
{
        tail -n +$((at + 1)) "$tmp/all.log" | head -n "$1" >>"${2:-$log}"
        at=$((at + $1))
}
# shellcheck disable=SC2120 # with other logs than the one
catch_up() { us analyze --follow "${@:-$log}" --store "$store" "${goals[@]}" --once || { fail 'catching up' && output_diag; }; }
figures() { jq -S 'del(.samples, .hosts)'; } # hosts are different addresses of each day, in the store
# equal NAME: the store and an analysis of the first $at lines agree in every figure.
equal()
{
        head -n "$at" "$tmp/all.log" >"$tmp/part.log"
        "$UNDERSTUDY" analyze "$tmp/part.log" --json --top 0 "${goals[@]}" | figures >"$tmp/expected"
        "$UNDERSTUDY" analyze query --store "$store" --report --json --top 0 | figures >"$tmp/found"
        if [[ -s $tmp/expected ]] && cmp -s "$tmp/expected" "$tmp/found"; then
                pass "$1: $at lines, all figures are equal"
        else
                fail "$1: figures differ"
                diag "$(diff "$tmp/expected" "$tmp/found" | head -n 20)"
        fi
}
afresh()
{
        rm -rf "$tmp/logs" "$store"*
        mkdir "$tmp/logs"
        at=0
        : >"$log"
        catch_up
}

# ---------------------------------------------------------------- what is done to logs
afresh
write 1000; catch_up; equal 'lines'
write 1000; catch_up; equal 'further lines'
catch_up; equal 'nothing new'
mv "$log" "$log.1"; write 1000; catch_up; equal 'renamed'
head -c 100 <(tail -n +$((at + 1)) "$tmp/all.log") >>"$log"; catch_up; equal 'an unfinished line waits'
tail -n +$((at + 1)) "$tmp/all.log" | head -n 1 | tail -c +101 >>"$log"; at=$((at + 1)); catch_up; equal 'until it is finished'
mv "$log.1" "$log.2"; mv "$log" "$log.1"; write 500; mv "$log.2" "$log.3"; mv "$log.1" "$log.2"; mv "$log" "$log.1"; write 500
catch_up; equal 'renamed twice'
write 300; for i in 3 2 1; do mv "$log.$i" "$log.$((i + 1))"; done; mv "$log" "$log.1"; gzip "$log.1" "$log.2"; write 300
catch_up; equal 'renamed and packed before it was read'
write 300; cp "$log" "$log.copied"; mv "$log.copied" "$log.0"; : >"$log"; write 200; catch_up; equal 'copied and truncated'
write 300; cp "$log" "$log.00"; gzip "$log.00"; : >"$log"; write 900; catch_up; equal 'copied, packed, truncated, and grown beyond'
catch_up; rm "$log"; write 200; catch_up; equal 'removed and made again'
: >"$log"; write 300; catch_up; equal 'truncated in place'
write 100; cp "$log" "$tmp/logs/new"; write 100 "$tmp/logs/new"; mv "$tmp/logs/new" "$log"; catch_up; equal 'replaced by a longer copy of itself (rsync)'
touch -d '2001-01-01' "$log"* ; write 10; touch -d '2037-01-01' "$log"; catch_up; equal 'times of files do not matter'
echo 'another log' >"$tmp/logs/access-api.log"; cp "$tmp/all.log" "$tmp/logs/access.log.old"; mv "$log" "$log.7"; write 50; catch_up
equal 'other files beside it are not read'

# ---------------------------------------------------------------- what was empty when it was looked at
# Then a mark says nothing of the file but its inode number, and that is given to another one.
# reuse INODE FILE: makes FILE with this number, if the file system gives it again.
reuse()
{
        local i try
        for ((i = 0; i < 200; i++)); do
                try=$tmp/logs/try.$i
                : >"$try"
                [[ $(stat -c %i "$try") == "$1" ]] && mv "$try" "$2" && break
        done
        rm -f "$tmp"/logs/try.*
        [[ -e $2 ]]
}
afresh
write 300; mv "$log" "$log.1"; : >"$log"; gzip "$log.1"; write 300; catch_up; equal 'rotated and packed before its first line was read'
afresh
write 100; catch_up; mv "$log" "$log.2"; : >"$log"; catch_up
inode=$(stat -c %i "$log")
write 300; mv "$log" "$log.3"; write 200 "$log.4"; gzip "$log.3"
if reuse "$inode" "$log"; then
        write 100; catch_up; equal 'rotated and packed, and a later file has its inode number'
else
        skip 'inode numbers are not given again here'
fi
afresh
write 100; catch_up; mv "$log" "$log.1"; : >"$log"; catch_up; mv "$log" "$log.2"; write 100; catch_up
for i in 1 2; do write 100 "$log.2"; catch_up; equal "late lines of a log that was rotated empty ($i)"; done
for i in {1..35}; do catch_up; done; equal 'started many times while nothing comes'
for i in {3..42}; do mv "$log" "$log.$i"; : >"$log"; catch_up; done; equal 'rotated many times while nothing comes'
write 100; catch_up; equal 'and then something does'
afresh
rm "$log" "$store"; catch_up; write 200; mv "$log" "$log.1"; gzip "$log.1"; write 100; catch_up; equal 'rotated before it was seen'
afresh
rm "$store"; write 100 "$log.1"; write 100 "$log.2"; gzip "$log.2"; catch_up
write 200; mv "$log" "$log.3"; gzip "$log.3"; write 100; catch_up
us analyze query --store "$store" --report --json; json_is 'files from before the first start are not read' .hits 300

afresh # a symbolic link that is switched, as cronolog and others do
rm "$log"; ln -s access-20260101.log "$log"; write 500 "$tmp/logs/access-20260101.log"; catch_up; equal 'behind a link'
ln -sfn access-20260102.log "$log"; write 100 "$tmp/logs/access-20260101.log"; write 300 "$tmp/logs/access-20260102.log"; catch_up; equal 'the link is switched'
ln -sfn access-20260101.log "$log"; write 100 "$tmp/logs/access-20260101.log"; catch_up; equal 'and back'

# ---------------------------------------------------------------- as a service
start() { "$UNDERSTUDY" analyze --follow "$@" "${goals[@]}" --store "$store" 2>>"$tmp/service" & service=$!; cleanup_process "$service"; }
# stop SIGNAL
stop() { kill -"$1" "$service" && { wait "$service" 2>/dev/null; stopped=$?; }; }
hits() { jq -r .hits "$tmp/page.json" 2>/dev/null; }
# shown HITS: the page has them within so many tenths of a second (two seconds are promised; machines are busy).
shown() { for ((i = 0; i < 200; i++)); do [[ $(hits) == "$1" ]] && return; sleep 0.1; done; return 1; }
afresh
start "$log" --json-file "$tmp/page.json" --html "$tmp/page.html" --page-days 0
write 100; ok 'a line that is written is on the page' shown 100
ok 'and in the one for browsers' wait_for 5 grep -q 'id="hits"' "$tmp/page.html"
mv "$log" "$log.1"; write 50 "$log.1"; write 100; write 50 "$log.1"; ok 'late lines of a renamed log' shown 300
write 100; cp "$log" "$log.2"; : >"$log"; write 100; ok 'a copied and truncated log' shown 500
rm "$log"; sleep 0.7; write 100; ok 'a removed log' shown 600
kill -STOP "$service"; for i in 3 4; do write 100; cp "$log" "$log.$i"; : >"$log"; done; write 100; kill -CONT "$service"
ok 'copied and truncated twice while it could not look' shown 900
status_is 3 'a second writer is sent away' us analyze --follow "$log" --store "$store" --once
like 'with the reason' "$(errors)" 'another process writes'
stop TERM; is 'it ends with 0' "$stopped" 0
equal 'as a service'

# ---------------------------------------------------------------- killed at any moment, while the log is written and rotated
afresh
(
        trap - EXIT
        n=0
        while ((at < 40000)); do
                write $((RANDOM % 300 + 1))
                if ((RANDOM % 8 == 0)); then
                        n=$((n + 1))
                        mv "$log" "$log.$((1000 - n))" # names that grow with age, as logrotate's
                        : >>"$log"
                        ((RANDOM % 3)) || gzip "$log.$((1000 - n))"
                fi
                sleep 0.0$((RANDOM % 6))
        done
) &
writer=$!
cleanup_process "$writer"
kills=0
while kill -0 "$writer" 2>/dev/null || ((kills < ${UNDERSTUDY_TEST_KILLS:-100})); do
        start "$log"
        sleep 0.$((RANDOM % 30 + 10))
        stop KILL
        kills=$((kills + 1))
done
wait "$writer"
at=$(cat "$tmp"/logs/access.log{,.[0-9]*[0-9]} 2>/dev/null | wc -l)
at=$((at + $(cat "$tmp"/logs/*.gz | gzip -dc | wc -l)))
catch_up
equal "killed $kills times"
ok 'with funnels in them' test "$(jq '[.funnels[].steps[].visitors] | add' "$tmp/expected")" -gt 100
counted=$(awk -v n="$at" 'NR <= n { hits++; bytes += $10; if ($9 >= 400) errors++; status[$9]++ } END { printf "%d %.0f %d %d", hits, bytes, errors, status[304] }' "$tmp/all.log")
us analyze query --store "$store" --report --json
is 'awk counts the same' "$(json '"\(.hits) \(.bytes) \(.errors) \(.status["304"])"')" "$counted"
is 'nothing was complained of' "$(grep -vc Killed "$tmp/service")" 0

# ---------------------------------------------------------------- what is kept of people
not_ok 'no address is in the store' grep -qaE '([0-9]{1,3}\.){3}[0-9]{1,3}' <(sqlite3 "$store" 'SELECT text FROM name WHERE dimension NOT IN (9, 10)' | grep -vE '^/')
address=$(awk 'NR == 1 { print $1 }' "$tmp/all.log")
not_ok 'not this one either' grep -qaF "$address" "$store"
is 'the salts are for their owner alone' "$(stat -c %a "$store.salts")" 600
chmod 644 "$store.salts"; status_is 4 'salts that others can read are refused' us analyze --follow "$log" --store "$store" --once
chmod 600 "$store.salts"
sed -i -E 's/^(\S+) \S+/\1 1000/' "$store.salts"
catch_up
is 'salts that are too old are destroyed' "$(wc -c <"$store.salts")" 0
is 'and what was known of visitors' "$(sqlite3 "$store" 'SELECT count(*) FROM book')" 0
equal 'figures stay'
write 100; catch_up
us analyze query --store "$store" --report --json
ok 'lines of a closed day are told' test "$(json '.approximate | map(.reason) | join(" ") | contains("closed")')" = true
is 'and are in hits' "$(json .hits)" "$at"

# ---------------------------------------------------------------- a disk that is full
if [[ $EUID -eq 0 ]] && mkdir "$tmp/small" && mount -t tmpfs -o size=24m none "$tmp/small" 2>/dev/null; then
        store=$tmp/small/store.db
        afresh
        start "$log"
        write 10
        sleep 2
        head -c 100000000 /dev/zero >"$tmp/small/full" 2>/dev/null
        write 3000
        sleep 2
        ok 'it waits for room' kill -0 "$service"
        like 'and says so' "$(cat "$tmp/service")" 'cannot .* the store'
        rm "$tmp/small/full"
        sleep 3
        stop TERM
        equal 'a full disk'
        umount "$tmp/small"
else
        skip 'a full disk (needs root)'
fi
done_testing
