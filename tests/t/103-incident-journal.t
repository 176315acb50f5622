#!/bin/bash
# 103-incident-journal.t - an incident from what the journal tells: a planted page, found and healed by pull.
. "$(dirname "$0")/lib.sh"
need jq
make_site "$tmp/src"
make_repository
make_standby
us pull "$dest" --repo "$repo" --pub "$pub"
genuine=$(stat -c %s "$dest/docs/help.html")
printf '<script src="http://evil.example/x.js"></script>' >"$dest/docs/help.html"
printf 'new' >"$dest/a b&c.html"
sleep 1
us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'the planted page was found and healed' "$status" 1
server=$(us journal show --state "$state" --json --kind difference; jq -r .server "$tmp/stdout" | head -n 1)

status_is 0 'an incident is opened from the journal' us incident open --journal "$state/journal" --state "$state" \
        --size 48 --genuine-size "$genuine"
us incident show 1 --state "$state" --json
is 'it has both paths' "$(jq -r '[.intervals[].path] | sort | join("|")' "$tmp/stdout")" '/a b&c.html|/docs/help.html'
is 'of this server' "$(jq -r '[.intervals[].server] | unique[0]' "$tmp/stdout")" "$server"
is 'since the pull before, until it was healed' \
        "$(jq '[.intervals[] | .last_good != null and .last_good <= .first_bad and .first_bad <= .first_good] | all' "$tmp/stdout")" true
status_is 2 'a path that nothing is told of' us incident open --journal "$state/journal" --path /other --state "$state"

# Somebody got it while nobody looked: possible by the time, probable by its size.
now=$(date -u -d '1 second ago' '+%d/%b/%Y:%H:%M:%S +0000')
for size in 48 "$genuine"; do
        printf '192.0.2.%d - - [%s] "GET /docs/help.html HTTP/1.1" 200 %d "-" "%s"\n' "$((size % 100))" "$now" "$size" "agent $size"
done >"$tmp/access.log"
printf '192.0.2.9 - - [%s] "GET /a%%20b&c.html?x HTTP/1.1" 200 3 "-" "\e[31m"\n' "$now" >>"$tmp/access.log"
printf '192.0.2.48 - - [%s] "GET /a%%20b&c.html HTTP/1.1" 200 3 "-" "agent 48"\n' "$now" >>"$tmp/access.log" # one of them, once more
status_is 1 'somebody may have been served it' us incident exposure 1 --log "$server=$tmp/access.log" --state "$state" --json
is 'by size and time' "$(jq -c .responses "$tmp/stdout")" '{"confirmed":0,"probable":1,"possible":3}'
is 'a visitor counts once, by the worst that he was served' "$(jq -c .visitors "$tmp/stdout")" '{"confirmed":0,"probable":1,"possible":2}'
is 'nobody knows who' "$(jq -c '.unattributed | [.responses, .visitors]' "$tmp/stdout")" '[4,3]'
us incident exposure 1 --log "$server=$tmp/access.log" --state "$state"
like 'also in words' "$(output)" 'visitors: 0 confirmed, 1 probable, 2 possible'
mv "$state/journal" "$tmp/gone" # by an intruder, who has root
us incident exposure 1 --log "$server=$tmp/access.log" --state "$state" --json
is 'a journal that is gone since takes nothing away' "$(jq -c '[.responses, .visitors]' "$tmp/stdout")" \
        '[{"confirmed":0,"probable":1,"possible":3},{"confirmed":0,"probable":1,"possible":2}]'
rm -rf "$state/journal"
status_is 3 'an incident is not opened from one that is not there' us incident open --journal "$state/journal" --state "$state"
mv "$tmp/gone" "$state/journal"
us incident report 1 --form technical --format md --state "$state"
like 'the report tells where it is known from' "$(output)" "journal of"
done_testing
