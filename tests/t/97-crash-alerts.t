#!/bin/bash
# Alerts and what kills them: every process at any moment, and a disk that is full. What was said to be posted arrives.
. "$(dirname "$0")/lib.sh"
use alerts
need jq setsid

quick=(first=100 last=300 window=400)
start_sink smtp && mails=$got mail="mailto:ops@example.org?server=smtp://127.0.0.1:$port"
start_sink http && hooks=$got hook="http://127.0.0.1:$port/"

# ---------------------------------------------------------------- kill -9, twenty times, in the middle

# Every alert is its own group, so that each is a message: its words, and whether posting it was said to be done.
for round in $(seq 20); do
        commands=$(for i in $(seq 12); do echo "post crash_$i - alert $round.$i" && echo 'wait 10'; done)
        setsid "$notify_driver" "$state" "${quick[@]}" "$mail" "$hook" <<<"$commands" >"$tmp/out.$round" 2>/dev/null &
        victim=$!
        sleep "0.$(printf '%03d' $((RANDOM % 900)))"
        kill -KILL -- "-$victim" 2>/dev/null # the caller, its worker, their senders: one process group
        wait "$victim" 2>/dev/null
        # Every command is answered by one line, in their order.
        posted=$(awk 'NR % 2 == 1 && $1 == "ok"' "$tmp/out.$round" | wc -l)
        for i in $(seq "$posted"); do echo "alert $round.$i"; done >>"$tmp/posted"
done
drive "${quick[@]}" "$mail" "$hook" <<<$'drain 60000\ncounters'
is 'the next process finds the queue whole, and empties it' "$(head -n 1 "$tmp/stdout"):$(counter queued):$(counter undeliverable)" ok:0:0
ok "there was something to kill: $(wc -l <"$tmp/posted") alerts" test "$(wc -l <"$tmp/posted")" -ge 20

# What a receiver got: of collected ones the lines.
sed -s '1,/^\r$/d' "$hooks"/* | jq -r '.message, (.unmapped.lines // [] | .[].message)' |
        grep -oE 'alert [0-9]+\.[0-9]+' | sort -u >"$tmp/by_hook"
grep -hoE 'alert [0-9]+\.[0-9]+' "$mails"/* | sort -u >"$tmp/by_mail"
is 'every alert that was posted came by webhook' "$(sort -u "$tmp/posted" | comm -23 - "$tmp/by_hook")" ''
is 'and by mail' "$(sort -u "$tmp/posted" | comm -23 - "$tmp/by_mail")" ''
grep -h '^webhook-id:' "$hooks"/* | sort >"$tmp/hook_ids"
grep -h '^Message-ID:' "$mails"/* | sort >"$tmp/mail_ids"
for kind in hook mail; do
        again=$(($(wc -l <"$tmp/${kind}_ids") - $(sort -u "$tmp/${kind}_ids" | wc -l)))
        ok "$kind: at most the one in flight came again, a kill: $again" test "$again" -le 20
done
is 'nothing came under two ids' "$(sed -s '1,/^\r$/d' "$hooks"/* |
        jq -r 'select(.count == 1) | .message + " " + .metadata.uid' | sort -u | awk '{ print $1, $2 }' | uniq -d)" ''
is 'no temporary file is left' "$(find "$state/notify" -name '*.tmp')" ''

# ---------------------------------------------------------------- a full disk

if [[ $EUID -eq 0 ]] && mkdir "$tmp/small" && mount -t tmpfs -o size=128k,mode=0700 tmpfs "$tmp/small" 2>/dev/null; then
        rm -f "$mails"/*
        state=$tmp/small
        drive "${quick[@]}" "$mail" <<<'drain 10000'
        head -c 1M /dev/zero >"$state/fill" 2>/dev/null
        drive "${quick[@]}" "$mail" <<'END'
post full_a - the disk is full
post full_b - and stays so
storm 50 full_c
drain 60000
counters
END
        like 'it is said' "$(head -n 1 "$tmp/stdout")" 'error an alert is kept in memory only: .*[Nn]o space'
        is 'it is delivered all the same' "$(counter dropped):$(counter queued):$(tail -n 2 "$tmp/stdout" | head -n 1)" 0:0:ok
        ok 'each of them' has_received "$mails" 4
        is 'with all counts' "$(grep -hoE '^Subject: .*[0-9]+ more alerts, such' "$mails"/* | grep -oE '[0-9]+ more' | cut -d' ' -f1 | jq -s add)" 49
        # Down and full at once: it goes to the disk when there is room.
        free_port
        (sleep 1 && rm -f "$state/fill") &
        filler=$!
        drive "${quick[@]}" "mailto:ops@example.org?server=smtp://127.0.0.1:$port" <<<$'post later - in memory\nwait 7000\ncounters'
        wait "$filler"
        is 'kept in memory at first, on the disk in the end' \
                "$(head -n 1 "$tmp/stdout" | cut -c1-5):$(find "$state/notify/test/queue" -type f | wc -l)" error:1
        umount "$tmp/small"
else
        skip 'a full disk needs root and a tmpfs'
fi
done_testing
