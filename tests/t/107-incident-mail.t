#!/bin/bash
# 107-incident-mail.t - mail to the accounts that were identified: shown first, approved by a person, once for each, also
# when it is killed in the middle; and nothing that somebody typed becomes a header.
. "$(dirname "$0")/lib.sh"
use alerts
need jq perl
us_incident() { us incident "$@" --state "$state"; }
for number in 1 2 3 4 5; do
        printf '192.0.2.%d - - [06/Jul/2009:09:3%d:00 +0000] "GET /login HTTP/1.1" 200 10 "-" "agent %d"\n' \
                "$number" "$number" "$number"
done >"$tmp/log"
cat >"$tmp/logins.csv" <<'END'
time,account,address,agent
2009-07-06T09:31:20Z,"taro, the first",192.0.2.1,agent 1
2009-07-06T09:32:20Z,jiro,192.0.2.2,agent 2
2009-07-06T09:33:20Z,saburo,192.0.2.3,agent 3
2009-07-06T09:34:20Z,shiro,192.0.2.4,agent 4
2009-07-06T09:35:20Z,rokuro,192.0.2.5,agent 5
2009-07-08T09:34:20Z,goro,192.0.2.9,agent 9
END
us_incident open --server web2 --path /login --from 2009-07-06T09:00:00Z --to 2009-07-06T20:00:00Z --size 10
us_incident exposure 1 --log web2="$tmp/log" --logins "$tmp/logins.csv" --clock logins=0~5 --clock web2=0~1 --list --json
is 'five accounts were identified' \
        "$(json '[.list[] | select(.grade == "confirmed" or .grade == "probable")] | length')" 5
cat >"$tmp/addresses" <<'END'
taro, the first,taro@example.org,ja
jiro,jiro@example.org,en
saburo,saburo@example.org%0d%0aBcc: eve@example.org,en
shiro,shiro@example.org,en
goro,goro@example.org,en
no line
END
start_sink smtp && mails=$got
mail() { us_incident mail 1 --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" --sender help@example.org "$@"; }
to() { cat "$mails"/*.smtp 2>/dev/null | grep -c "^RCPT TO:<$1>"; }

status_is 4 'no mail without words' mail --dry-run
us_incident set 1 $'mail_en=Please check your computer.\nRegards' 'mail_ja=パソコンをご確認ください。' \
        'mail_subject_en=Your account'
status_is 2 'a person approves' mail
status_is 2 'or only looks' mail --dry-run --approve kim
status_is 0 'a dry run' mail --dry-run
like 'shows a mail as it would be sent' "$(output)" 'Message-ID: <[0-9a-f]{64}@example.org>'
mail --dry-run --json
json_is 'and who gets one' '[.mails[] | select(.wanted) | .address] | sort | join(" ")' \
        'jiro@example.org shiro@example.org taro@example.org'
is 'and sends nothing' "$(received "$mails")" 0

# ---------------------------------------------------------------- once
status_is 0 'approved' mail --approve kim --json
json_is 'three were sent' '"\(.sent) \(.without_address) \(.invalid_lines)"' '3 2 2'
for name in taro jiro shiro; do is "one to $name" "$(to "$name@example.org")" 1; done
is 'none to others' "$(received "$mails")" 3
is 'an address with a header in it gets none' "$(cat "$mails"/*.smtp | grep -ci 'bcc\|eve@')" 0
japanese=$(grep -l 'taro@' "$mails"/*.smtp)
like 'in the language of the account' \
        "$(tr -d '\r' <"$japanese" | sed '1,/^Content-Transfer/d' | perl -MMIME::QuotedPrint -0777 -ne 'print decode_qp($_)')" 'パソコン'
status_is 0 'again' mail --approve kim --json
json_is 'nobody gets a second one' '"\(.sent) \(.done_before)"' '0 3'
is 'as the server saw it' "$(received "$mails")" 3
us journal show --state "$state" --json --kind incident_mail
like 'how many, on whose word, is in the journal' "$(output)" '"approved_by": ?"kim".*"sent": ?3'
unlike 'no address is' "$(output)" '@example\.org'
stop_sink

# ---------------------------------------------------------------- a server that does not answer, and a kill
echo 'saburo,saburo@example.org,en' >>"$tmp/addresses"
start_sink smtp silent
mails=$got
"$UNDERSTUDY" incident mail 1 --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" --sender help@example.org \
        --approve kim --state "$state" >/dev/null 2>&1 &
killed=$!
cleanup_process "$killed"
state_of() { mail --dry-run --json && json ".mails[] | select(.account == \"$1\") | .state"; }
is_sending() { [[ $(state_of saburo) == sending ]]; }
ok 'that it is being sent is known' wait_for 10 is_sending
kill -KILL "$killed"
wait "$killed" 2>/dev/null
stop_sink
start_sink smtp
mails=$got
status_is 0 'after a kill' mail --approve kim --json
json_is 'nobody knows, so it is not sent again by itself' '"\(.sent) \(.unsure)"' '0 1'
is 'nor did the server get one' "$(received "$mails")" 0
status_is 0 'a person decides' mail --approve kim --again --json
json_is 'and it is sent' .sent 1
is 'to that one' "$(to saburo@example.org) $(received "$mails")" '1 1'
stop_sink

# ---------------------------------------------------------------- a server that is not there
echo 'rokuro,rokuro@example.org,en' >>"$tmp/addresses"
status_is 3 'nobody listens' mail --approve kim
like 'and that is said' "$(errors)" 'did not take a mail'

# ---------------------------------------------------------------- what comes back
status_is 0 'a bounce is entered' us_incident mail 1 --answer 'jiro=no such user'
status_is 2 'of nobody' us_incident mail 1 --answer 'nobody=no such user'
done_testing
