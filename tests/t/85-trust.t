#!/bin/bash
# 85-trust.t - an analysis server takes part only while its own build and what it serves are proven equal to their signed
# release: else it counts nothing, answers nothing, and says why; and it is known whose visitors fetched the script from it.
. "$(dirname "$0")/lib.sh"
need jq sqlite3 perl
make_site "$tmp/src"
mkdir "$tmp/src/bin"
cp "$UNDERSTUDY" "$tmp/src/bin/understudy"
us analyze tag --into "$tmp/src"
script=$(sed -n '1s/.* src="\([^"]*\)".*/\1/p' "$tmp/stdout")
make_keys "$tmp/other"
make_repository
make_standby
store=$tmp/store.db
log=$tmp/access.log
line() { printf '192.0.2.%d - - [26/Nov/2026:10:00:%02d +0000] "GET /page%d HTTP/1.1" 200 10 "-" "Firefox"\n' "$1" "$1" "$1" >>"$log"; }
# counted: lines in the store, whoever may ask for them.
counted() { sqlite3 "$store" 'SELECT sum(lines) FROM site'; }
ours() { run "$dest/bin/understudy" "$@"; return "$status"; }
follow=(analyze --follow "$log" --store "$store" --require "$dest" --pub "$pub")

line 1
us verify "$dest" --pub "$pub"
status_is 0 'the program of the tree, proven' ours "${follow[@]}" --once
is 'counts' "$(counted)" 1
status_is 0 'and answers' us analyze query --store "$store" --json
line 2
status_is 4 'another program' us "${follow[@]}" --once
like 'says what is wrong' "$(errors)" 'the program that runs is not in the trees'
is 'and counts nothing' "$(counted)" 1
status_is 4 'nor does anybody get an answer' us analyze query --store "$store" --json
like 'but the reason' "$(errors)" 'left out'
status_is 4 'a tree that was pulled with another key' ours analyze --follow "$log" --store "$store" --require "$dest" --pub "$tmp/other/release.pub" --once
like 'says so' "$(errors)" 'another key'
status_is 4 'one that was never pulled' ours analyze --follow "$log" --store "$store" --require "$dest" --require "$tmp/src" --once
status_is 0 'proven again' ours "${follow[@]}" --once
is 'what was logged meanwhile is counted, once' "$(counted)" 2

# ---------------------------------------------------------------- as a service, when somebody puts another script there
"$dest/bin/understudy" "${follow[@]}" --json-file "$tmp/page.json" --page-days 0 2>"$tmp/service" &
service=$!
cleanup_process "$service"
shown() { [[ $(jq -rc "$1" "$tmp/page.json" 2>/dev/null) == "$2" ]]; }
line 3
ok 'it takes part' wait_for 20 shown '[.hits, .left_out]' '[3,null]'
echo 'evil()' >>"$dest$script"
us verify "$dest" --pub "$pub"
is 'the script was changed' "$status" 1
ok 'it is shown as left out' wait_for 20 shown '.left_out != null' true
like 'with the reason' "$(jq -r .left_out "$tmp/page.json")" "$dest: it differed"
line 4
sleep 2
is 'nothing is counted' "$(counted)" 3
us pull "$dest" --repo "$repo" --pub "$pub"
us verify "$dest" --pub "$pub"
sleep 3
is 'a process from before the pull stays out' "$(counted)" 3
like 'and says why' "$(cat "$tmp/service")" 'start the one that is'
kill -TERM "$service"
wait "$service"
status_is 0 'started anew' ours "${follow[@]}" --once
is 'it counts what waited' "$(counted)" 4
is 'when it was left out is kept' "$(sqlite3 "$store" 'SELECT count(*) > 1, sum(end IS NULL) FROM left_out')" '1|0'

# ---------------------------------------------------------------- the trees are right, and visitors get another script
# A web server that answers each request with a file, whatever is asked for.
cat >"$tmp/serve" <<'END'
use IO::Socket::INET;
my ($file, $ready) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, ReuseAddr => 1) or die;
open my $out, '>', "$ready.tmp"; print $out $server->sockport; close $out; rename "$ready.tmp", $ready;
while (my $client = $server->accept) {
        while (defined(my $line = <$client>)) { last if $line =~ /^\r?$/ }
        open my $in, '<', $file; local $/; my $body = <$in>;
        print $client "HTTP/1.1 200 OK\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n", $body;
        close $client;
}
END
cp "$dest$script" "$tmp/given"
perl "$tmp/serve" "$tmp/given" "$tmp/port" &
cleanup_process "$!"
wait_for 10 test -e "$tmp/port" || bail_out 'no web server'
place="http://127.0.0.1:$(cat "$tmp/port")/understudy/"
line 5
status_is 0 'the script is given out as the tag says' ours "${follow[@]}" --script "$place" --once
is 'and it counts' "$(counted)" 5
echo 'evil()' >>"$tmp/given"
line 6
status_is 4 'another script is given out' ours "${follow[@]}" --script "$place" --server an7 --once
like 'it is left out by what visitors get' "$(errors)" 'an7 is left out: .*is not the tag.s script'
is 'and counts nothing' "$(counted)" 5
status_is 4 'nor does it answer' us analyze query --store "$store" --json
status_is 4 'nobody gives it out' ours "${follow[@]}" --script 'http://127.0.0.1:1/understudy/' --once
us analyze --follow "$log" --store "$store" --script "${place%/}" --once
is 'a place that is no folder' "$status" 2
cp "$dest$script" "$tmp/given"
status_is 0 'the right one again' ours "${follow[@]}" --script "$place" --once
is 'what waited is counted, once' "$(counted)" 6

# As a service, round after round. The right one is fetched once a minute; the last round of that is looked at below.
log=$tmp/rounds.log
line 1
echo 'evil()' >>"$tmp/given"
rm "$tmp/page.json" # of the service before
"$dest/bin/understudy" analyze --follow "$log" --store "$tmp/rounds.db" --require "$dest" --pub "$pub" --script "$place" --server an7 \
        --json-file "$tmp/page.json" --page-days 0 2>"$tmp/rounds" &
service=$!
cleanup_process "$service"
ok 'from the start another script is given out: the service is left out' wait_for 20 shown '.left_out != null' true
like 'and its page says why' "$(jq -r .left_out "$tmp/page.json")" 'an7 is left out: .*is not the tag.s script: its hash is sha256-'
cp "$dest$script" "$tmp/given"
ok 'the right one: it takes part without a restart' wait_for 20 shown '[.hits, .left_out]' '[1,null]'
echo 'evil()' >>"$tmp/given" # while it serves: what came of it is looked at below
changed=$SECONDS
log=$tmp/access.log

# ---------------------------------------------------------------- whose visitors fetched the script
fetch() { printf '192.0.2.9 - - [%s +0000] "GET %s HTTP/1.1" %s 900 "%s" "Firefox"\n' "$1" "$script" "$2" "$3" >>"$log"; }
fetch 24/Nov/2026:09:00:00 200 'https://www.shop.example/cart?x=1'
fetch 24/Nov/2026:11:00:00 304 'https://shop.example/'
fetch 26/Nov/2026:12:00:00 200 'https://shop.example/'
fetch 25/Nov/2026:12:00:00 200 '-'
fetch 25/Nov/2026:12:00:00 404 'https://none.example/'
fetch 25/Nov/2026:12:30:00 200 'https://news.example:8443/a'
status_is 0 'followed' ours "${follow[@]}" --server second --once
status_is 0 'embedders' us analyze embedders --store "$store" --json
json_is 'each with its first and last fetch' '[.embedders[] | [.host, .server, .fetches, .first, .last]]' \
        '[["","second",1,"2026-11-25T12:00:00Z","2026-11-25T12:00:00Z"],["news.example","second",1,"2026-11-25T12:30:00Z","2026-11-25T12:30:00Z"],["shop.example","second",3,"2026-11-24T09:00:00Z","2026-11-26T12:00:00Z"]]'
json_is 'of which script' '[.embedders[].script] | unique' "[\"$script\"]"
us analyze embedders --store "$store" --json --from 2026-11-25 --to 2026-11-26
json_is 'of a time' '[.embedders[].host]' '["","news.example"]'
status_is 0 'as words' us analyze embedders --store "$store"
like 'for people' "$(output)" 'shop.example +3'
not_ok 'no address is kept' grep -qaF 192.0.2. "$store"

# ---------------------------------------------------------------- the service whose script was changed a while ago
log=$tmp/rounds.log
counted() { sqlite3 "$tmp/rounds.db" 'SELECT sum(lines) FROM site'; }
ok 'a minute later it is left out' wait_for 75 shown '.left_out != null' true
ok 'and not much later' test $((SECONDS - changed)) -lt $((70 * ${TEST_PATIENCE:-1}))
line 2
sleep 3
is 'what is logged meanwhile waits' "$(counted)" 1
us analyze query --store "$tmp/rounds.db" --json
is 'nobody is answered' "$status" 4
cp "$dest$script" "$tmp/given"
ok 'the right one again: it takes part' wait_for 20 shown '[.hits, .left_out]' '[2,null]'
is 'and counts what waited, once' "$(counted)" 2
kill -TERM "$service" && wait "$service"
is 'each time is kept, and over' "$(sqlite3 "$tmp/rounds.db" 'SELECT count(*), sum(end IS NULL) FROM left_out')" '2|0'
is 'it was said once each time' "$(grep -c 'left out, nothing is counted' "$tmp/rounds")" 2
done_testing
