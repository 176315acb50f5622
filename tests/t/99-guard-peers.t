#!/bin/bash
# Two guards that hear each other: one that is killed or stopped is missed by the other, which alerts.
. "$(dirname "$0")/lib.sh"
use alerts
need_root
need jq openssl

make_site "$tmp/src"
make_repository
make_standby
other=$tmp/www/other
status_is 0 'the second server has the release, too' us pull "$other" --repo "$repo" --pub "$pub" --state "$tmp/state.b"

mkdir "$tmp/peers"
head -c 32 /dev/urandom >"$tmp/peers.key" && chmod 600 "$tmp/peers.key"
start_sink http && hooks=$got

# start NAME DEST STATE PEER [ARGUMENT...]: a guard of the server NAME, in $pid.
start()
{
        "$UNDERSTUDY" guard "$2" --pub "$pub" --mode observe --state "$3" --peers "$tmp/peers" --name "$1" --peer "$4" \
                --peers-key "$tmp/peers.key" --beat 1s "${@:5}" >"$tmp/$1.out" 2>>"$tmp/$1.err" </dev/null &
        pid=$!
        cleanup_process "$pid"
        wait_for 30 grep -qx ready "$tmp/$1.out" || { fail "the guard of $1 says ready" && sed 's/^/# /' "$tmp/$1.err"; }
}
# told KIND [COUNT]: the journal of web2 has so many records of this kind about web1.
told() { [[ $("$UNDERSTUDY" journal show --json --state "$tmp/state.b" | jq -c "select(.kind == \"$1\" and .peer == \"web1\")" | wc -l) -ge ${2:-1} ]]; }
hooked() { cat "$hooks"/*.http 2>/dev/null | grep -aq "$1"; }

status_is 2 'peers are named in a folder' us guard "$dest" --pub "$pub" --mode observe --peer web2
status_is 2 'a heart that never beats' us guard "$dest" --pub "$pub" --mode observe --peers "$tmp/peers" --beat 0s
status_is 3 'a folder that is not there' us guard "$dest" --pub "$pub" --mode observe --peers "$tmp/none"

start web2 "$other" "$tmp/state.b" web1 --alert "http://127.0.0.1:$port/hook"
two=$pid
ok 'a peer that was never heard is missed' wait_for 20 told peer_silent 1
ok 'and the operator is told' wait_for 20 hooked 'web1 was never heard'
start web1 "$dest" "$tmp/state" web2
one=$pid
ok 'it is heard at last' wait_for 20 told peer_back 1
is 'its sign of life is there' "$(jq -r .name "$tmp/peers/web1")" web1

kill -KILL "$one" && wait "$one" 2>/dev/null
ok 'a guard that is killed is missed' wait_for 20 told peer_silent 2
start web1 "$dest" "$tmp/state" web2
one=$pid
ok 'its successor is heard' wait_for 20 told peer_back 2

kill -STOP "$one"
ok 'a guard that is stopped is missed' wait_for 20 told peer_silent 3
kill -CONT "$one"
ok 'and heard again when it goes on' wait_for 20 told peer_back 3

# Anybody may write to the folder, but only with the key.
kill -KILL "$one" && wait "$one" 2>/dev/null
forge() { jq -c '.sequence += 1000' "$tmp/peers/web1" >"$tmp/forged" && mv "$tmp/forged" "$tmp/peers/web1"; }
forge
ok 'a forged sign of life does not count' wait_for 20 told peer_silent 4
forge
sleep 1.5
not_ok 'however often it comes' told peer_back 4

start web1 "$dest" "$tmp/state" web2
one=$pid
wait_for 20 told peer_back 4
kill "$one" && wait "$one"
is 'a guard that is told to end ends well' $? 0
ok 'its silence is told, too' wait_for 20 told peer_silent 5
like 'as what it is' "$("$UNDERSTUDY" journal show --json --state "$tmp/state.b" | jq -r 'select(.kind == "peer_silent") | [.what, .stopped] | map(tostring) | join(" ")' | tail -n 1)" \
        'was stopped at .* true'
ok 'the first silence was told urgently' hooked '"severity_id":5'

mv "$tmp/peers" "$tmp/away"
lost() { "$UNDERSTUDY" journal show --json --state "$tmp/state.b" | jq -r .kind | grep -qx "$1"; }
ok 'a folder that goes away is told' wait_for 20 lost peers_lost
mv "$tmp/away" "$tmp/peers"
ok 'and that it is back' wait_for 20 lost peers_found

# The journal is in English whatever the operator speaks.
kill "$two" && wait "$two"
LANGUAGE=ja start web2 "$other" "$tmp/state.b" web3
two=$pid
told_of_web3() { "$UNDERSTUDY" journal show --json --state "$tmp/state.b" | jq -r 'select(.peer == "web3") | .what' | grep -q .; }
ok 'another peer that was never heard' wait_for 20 told_of_web3
unlike 'the journal has no letter that is not English' "$("$UNDERSTUDY" journal show --json --state "$tmp/state.b" | jq -r .what)" $'[^ -~\n]'
kill "$two" && wait "$two"
done_testing
