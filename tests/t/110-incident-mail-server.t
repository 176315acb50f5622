#!/bin/bash
# 110-incident-mail-server.t - mail of an incident through servers that refuse, pause, break off and die: each account gets
# one, nobody is left out for another's dead mailbox, and two who send at once, or a kill at any moment, double none.
. "$(dirname "$0")/lib.sh"
use alerts
need jq
us_incident() { us incident "$@" --state "$state"; }

# accounts N NAME...: an incident whose accounts are the names, all of them probable.
accounts()
{
        local number=$1 name minute=0
        shift
        echo time,account,address,agent >"$tmp/logins.$number.csv"
        : >"$tmp/addresses"
        for name; do
                minute=$((minute + 1))
                printf '192.0.2.%d - - [06/Jul/2009:09:%02d:00 +0000] "GET /login HTTP/1.1" 200 10 "-" "agent %d"\n' "$minute" "$minute" "$minute" >>"$tmp/log.$number"
                printf '2009-07-06T09:%02d:20Z,%s,192.0.2.%d,agent %d\n' "$minute" "$name" "$minute" "$minute" >>"$tmp/logins.$number.csv"
                printf '%s,%s@example.org,en\n' "$name" "$name" >>"$tmp/addresses"
        done
        us_incident open --server web2 --path /login --from 2009-07-06T09:00:00Z --to 2009-07-06T20:00:00Z --size 10
        us_incident exposure "$number" --log web2="$tmp/log.$number" --logins "$tmp/logins.$number.csv" --clock logins=0~5 --clock web2=0~1 --json
        us_incident set "$number" 'mail_en=Please check your computer.'
}
mail() { us_incident mail "$1" --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" --sender help@example.org "${@:2}"; }
to() { cat "$mails"/*.smtp 2>/dev/null | grep -c "^RCPT TO:<$1@"; }
state_of() { mail "$1" --dry-run --json && json ".mails[] | select(.account == \"$2\") | .state"; }

# ---------------------------------------------------------------- mailboxes that are gone, or take nothing for now
accounts 1 alpha gone-1 later-1 omega
start_sink smtp picky
mails=$got
status_is 2 'a sender with a header in it' us_incident mail 1 --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" \
        --sender $'a@example.org>\r\nBcc: <x@example.org' --approve kim
is 'nothing was sent, and nobody is marked' "$(received "$mails") $(state_of 1 alpha)" '0 '
status_is 3 'a server that refuses some' mail 1 --approve kim --json
json_is 'the others are written to all the same' '"\(.sent) \(.rejected) \(.deferred) \(.unsure)"' '2 1 1 0'
like 'and what is left is said' "$(errors)" '1 mails were not taken for now'
is 'alpha and omega have one each' "$(to alpha) $(to omega)" '1 1'
mail 1 --dry-run --json
json_is 'what the server said stands with the account' '.mails[] | select(.account == "gone-1") | "\(.state) \(.said | test("550"))"' 'rejected true'
us journal show --state "$state" --json --kind incident_accounts_read
is 'that somebody read accounts and addresses is in the journal' "$(wc -l <"$tmp/stdout")" 2
stop_sink
start_sink smtp
mails=$got
status_is 0 'the same again' mail 1 --approve kim --json
json_is 'sends what was put off, and nothing else' '"\(.sent) \(.done_before)"' '1 3'
is 'to that one' "$(to later-1) $(received "$mails")" '1 1'
stop_sink
status_is 0 'a bounce is entered' us_incident mail 1 --answer 'alpha=mailbox full, they say'
mail 1 --dry-run --json
json_is 'and can be read' '.mails[] | select(.account == "alpha") | .said' 'mailbox full, they say'

# ---------------------------------------------------------------- a server that goes
accounts 2 able busy-1 zeta
start_sink smtp picky
mails=$got
status_is 3 'a server that closes' mail 2 --approve kim --json
is 'the one before was written to, the one behind was not tried' "$(state_of 2 able) $(state_of 2 busy-1) $(state_of 2 zeta)" 'sent deferred '
stop_sink
start_sink smtp close
status_is 3 'one that takes the mail and breaks off without a word' mail 2 --approve kim --json
is 'nobody knows whether it was sent' "$(state_of 2 busy-1)" unsure
stop_sink
start_sink smtp
mails=$got
status_is 0 'so it is left alone' mail 2 --approve kim --json
is 'and the rest is written to' "$(to busy-1) $(to zeta)" '0 1'
stop_sink

# ---------------------------------------------------------------- a server that wants a pause
accounts 3 p{01..14}
start_sink smtp 451
status_is 3 'a server that refuses all of it for now' mail 3 --approve kim --json
json_is 'is left alone after ten' '"\(.sent) \(.deferred)"' '0 10'
stop_sink
start_sink smtp 554
status_is 0 'one that refuses all of it for ever' mail 3 --approve kim --json
json_is 'has been asked for each' '"\(.rejected) \(.deferred)"' '14 0'
stop_sink

# ---------------------------------------------------------------- two at once
accounts 4 q{1..5}
start_sink smtp slow=100
mails=$got
"$UNDERSTUDY" incident mail 4 --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" --sender help@example.org \
        --approve kim --state "$state" >/dev/null 2>&1 &
first=$!
cleanup_process "$first"
is_sending() { [[ $(state_of 4 q1) =~ sending|sent ]]; }
ok 'one sends' wait_for 20 is_sending
status_is 4 'a second one is refused meanwhile' mail 4 --approve lee
like 'with the reason' "$(errors)" 'another .incident mail. is sending'
wait "$first"
is 'the first one ends well' "$?" 0
is 'each account has one' "$(for n in 1 2 3 4 5; do to "q$n"; done | tr '\n' ' ')" '1 1 1 1 1 '
stop_sink

# ---------------------------------------------------------------- killed at any moment
accounts 5 r{01..20}
start_sink smtp slow=10
mails=$got
for round in {1..15}; do
        "$UNDERSTUDY" incident mail 5 --addresses "$tmp/addresses" --smtp "smtp://127.0.0.1:$port" --sender help@example.org \
                --approve kim --state "$state" >/dev/null 2>&1 &
        killed=$!
        sleep "0.$((round % 5 + 1))$((round * 7 % 10))"
        kill -KILL "$killed" 2>/dev/null
        wait "$killed" 2>/dev/null
done
sleep 1 # a letter that was on its way
mail 5 --approve kim --json
is 'nobody got two' "$(cat "$mails"/*.smtp | grep '^RCPT' | sort | uniq -d)" ''
mail 5 --dry-run --json
open=$(json '[.mails[] | select(.state == "sending" or .state == "unsure")] | length')
json_is 'everybody was written to, or is known to be open' "[.mails[] | select(.state == \"sent\")] | length" $((20 - open))
diag "$open of 20 open after 15 kills"
ok 'and was, or may have been' test "$(received "$mails")" -ge $((20 - open))
done_testing
