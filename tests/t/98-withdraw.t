#!/bin/bash
# withdraw: what a visitor on another machine sees of a real nginx, before, while and after; and when there is no way back.
. "$(dirname "$0")/lib.sh"
need_root
need nginx ip nft curl jq capsh

make_site "$tmp/src"
head -c 20000000 /dev/zero >"$tmp/src/large.bin"
make_repository
make_standby

server=us-wds-$$ visitor=us-wdv-$$
ip netns add "$server" && cleanup_namespace "$server" && ip netns add "$visitor" && cleanup_namespace "$visitor" &&
        ip link add wd0 netns "$server" type veth peer name wd0 netns "$visitor" &&
        ip -n "$server" addr add 10.98.0.1/24 dev wd0 && ip -n "$visitor" addr add 10.98.0.2/24 dev wd0 &&
        ip -n "$server" link set wd0 up && ip -n "$visitor" link set wd0 up && ip -n "$server" link set lo up ||
        skip_all 'no network namespaces'

cat >"$tmp/nginx.conf" <<END2
user root;
worker_processes 1;
pid $tmp/nginx.pid;
error_log $tmp/nginx.log crit;
daemon off;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $tmp/t1; fastcgi_temp_path $tmp/t2; proxy_temp_path $tmp/t3; scgi_temp_path $tmp/t4; uwsgi_temp_path $tmp/t5;
    server { listen 80; listen 443; listen 8080; root $dest; keepalive_timeout 600s; }
}
END2
ip netns exec "$server" nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.log" >"$tmp/nginx.out" 2>&1 &
cleanup_process $!

# on SERVER_ARGUMENTS...: understudy on the server (its packet filter is the namespace's).
on() { run ip netns exec "$server" "$UNDERSTUDY" "$@"; return "$status"; }
# gets PORT: a new visitor.
gets() { ip netns exec "$visitor" curl -s -m 5 -o "$tmp/page" "http://10.98.0.1:$1/docs.txt" && grep -q 'sorts between' "$tmp/page"; }
local_gets() { ip netns exec "$server" curl -s -m 5 -o /dev/null "http://127.0.0.1/docs.txt"; }
kinds() { "$UNDERSTUDY" journal show --json | jq -r .kind; }
ok 'visitors are served' wait_for 20 gets 80
ok 'on another port, too' gets 443

# ---------------------------------------------------------------- wrong use

on withdraw web7.example.org
is 'another server is not withdrawn from here' "$status" 2
on withdraw --port 0
is 'port 0 is none' "$status" 2
on withdraw --port 70000
is 'nor is 70000' "$status" 2
on withdraw --back --reason why
is 'back has no reason' "$status" 2
on withdraw --back
is 'back on a server that was not withdrawn is done' "$status" 0
like 'which it says' "$(output)" 'not withdrawn'
on withdraw --again
is 'nor is there anything to do at boot' "$status" 0
on status
is 'and the server is eligible' "$status" 0
ok 'visitors are served still' gets 80

# ---------------------------------------------------------------- off the stage

# A visitor whose connection stands: one that waits, one that downloads.
mkfifo "$tmp/ask" "$tmp/answer"
# shellcheck disable=SC2016 # expanded there
ip netns exec "$visitor" bash -c 'trap "" PIPE; exec 5<>/dev/tcp/10.98.0.1/80
        while read -r line; do
                printf "GET /docs.txt HTTP/1.1\r\nHost: x\r\n\r\n" >&5
                found=no
                while read -r -t 5 reply <&5; do [[ $reply == "sorts between" ]] && found=yes && break; done
                echo "$found"
        done' <"$tmp/ask" >"$tmp/answer" 2>/dev/null &
cleanup_process $!
exec 8>"$tmp/ask" 9<"$tmp/answer"
echo go >&8
read -r -t 10 first <&9
is 'a visitor with a connection that stands is served' "$first" yes
ip netns exec "$visitor" curl -s -o "$tmp/large" --limit-rate 400k http://10.98.0.1/large.bin &
download=$!
cleanup_process $download
wait_for 10 test -s "$tmp/large"

on withdraw --reason $'the login page sends passwords \e[31melsewhere' --json
is 'withdraw' "$status" 0
json_is 'says what it did' '[.changed, .withdrawn.refused, (.withdrawn.ports | join(","))] | map(tostring) | join(" ")' \
        'true true 80/tcp,443/tcp,443/udp'
before=$SECONDS
not_ok 'a new visitor is refused' gets 80
ok 'at once, not by waiting' test $((SECONDS - before)) -lt 4
not_ok 'on the other port, too' gets 443
not_ok 'and by loopback, where a tunnel would come from' local_gets
ok 'other ports are open' gets 8080
echo go >&8
read -r -t 10 second <&9
is 'the connection that stood is cut' "$second" no
exec 8>&- 9<&-
wait "$download"
is 'and so is the download' $? 56
like 'the kernel has the table' "$(ip netns exec "$server" nft list ruleset)" 'understudy_withdraw'
is 'the journal had it before and has it after' "$(kinds | grep -E '^withdraw' | xargs)" 'withdraw_started withdrawn'
like 'with the reason' "$("$UNDERSTUDY" journal show --json | jq -r 'select(.kind == "withdrawn") | .reason')" 'login page'
on status
is 'status says that no visitor may be sent here' "$status" 1
like 'why' "$(output)" 'login page sends passwords .033\[31melsewhere'
like 'and that they are refused' "$(output)" 'visitors are refused'
on status --json
json_is 'for programs, too' '[.trees[0].eligible, .withdrawn.refused] | map(tostring) | join(" ")' 'false true'
is 'the tree'\''s state says so to no visitor of the disk' "$(stat -c %a "$state/withdrawn.json")" 600

# ---------------------------------------------------------------- twice

since=$(json .withdrawn.since)
count=$(kinds | wc -l)
on withdraw --json
is 'a second time' "$status" 0
json_is 'changes nothing' '[.changed, .withdrawn.since] | map(tostring) | join(" ")' "false $since"
is 'nor writes anything' "$(kinds | wc -l)" "$count"
on withdraw --port 80 --port 8080/tcp --json
json_is 'other ports are taken over; the reason stays' '[.changed, (.withdrawn.ports | join(",")), (.withdrawn.reason | test("login"))] | map(tostring) | join(" ")' \
        'true 80/tcp,8080/tcp true'
not_ok 'refused' gets 8080
ok 'and the one that is not named is open' gets 443

# ---------------------------------------------------------------- what others do to the packet filter

ip netns exec "$server" nft flush ruleset
ok 'whoever flushes the packet filter lets visitors in' gets 80
on status
is 'status notices' "$status" 1
like 'and says so' "$(output)" 'NOT refused'
on status --json
json_is 'for programs' '.withdrawn.refused | tostring' false
on withdraw --again
is 'what is done at boot' "$status" 0
not_ok 'refuses them again' gets 80
ip netns exec "$server" nft flush chain inet understudy_withdraw prerouting
on status
like 'a rule that is missing is noticed' "$(output)" 'NOT all refused'
on withdraw
is 'withdraw puts it back' "$status" 0
ip netns exec "$server" nft add element inet understudy_withdraw tcp_ports '{ 22 }'
on status
like 'a port too many is noticed' "$(output)" 'NOT all refused'
on withdraw --again
not_ok 'refused' gets 80

# ---------------------------------------------------------------- back

on withdraw --back
is 'no way back for a tree that was not compared since' "$status" 4
like 'it says what to do' "$(errors)" 'verify'
echo planted >"$dest/docs.txt"
us verify "$dest" --pub "$pub"
on withdraw --back
is 'nor while it differs' "$status" 4
like 'which it says' "$(errors)" "$dest.*differed"
not_ok 'visitors are refused still' gets 80
us pull "$dest" --repo "$repo" --pub "$pub"
us verify "$dest" --pub "$pub"
on withdraw --back
is 'back when it was pulled and verified' "$status" 0
ok 'visitors are served' gets 80
ok 'on all ports' gets 8080
unlike 'the table is gone' "$(ip netns exec "$server" nft list ruleset)" 'understudy_withdraw'
on status
is 'the server is eligible' "$status" 0
like 'the journal tells it' "$(kinds | grep -E '^back' | xargs)" '^back_refused back_refused back_started back$'
on withdraw --back
is 'back a second time' "$status" 0

# ---------------------------------------------------------------- what goes wrong

run ip netns exec "$server" capsh --drop=cap_net_admin -- -c "'$UNDERSTUDY' withdraw --reason 'no rights'"
is 'without the right to set the packet filter' "$status" 3
like 'it says that visitors may still come' "$(errors)" 'may still reach'
ok 'and they do' gets 80
on status
is 'status does not call that eligible' "$status" 1
like 'nor refused' "$(output)" 'NOT refused'
on withdraw --again
not_ok 'with the right they are refused' gets 80

# ---------------------------------------------------------------- a guard notices by itself

ip netns exec "$server" "$UNDERSTUDY" guard "$dest" --pub "$pub" --mode observe >"$tmp/guard.out" 2>"$tmp/guard.err" &
guard=$!
cleanup_process "$guard"
ok 'a guard' wait_for 30 grep -qx ready "$tmp/guard.out"
lost=$(kinds | grep -cx withdraw_lost)
ip netns exec "$server" nft flush ruleset
refuses() { ! gets 80; }
ok 'a guard puts back what was flushed' wait_for 30 refuses
ok 'says so' wait_for 10 grep -q 'refused again' "$tmp/guard.err"
is 'and it is in the journal' "$(kinds | grep -cx withdraw_lost)" $((lost + 1))
kill "$guard" && wait "$guard"
is 'the guard ends well' $? 0

# ---------------------------------------------------------------- what cannot be read

echo '{' >"$state/withdrawn.json"
on status
is 'a damaged file is a withdrawal' "$status" 1
on withdraw --back
is 'from which there is no way back' "$status" 3
on withdraw
is 'until withdraw is said again' "$status" 0
sleep 1.1 # proofs have whole seconds, and one of the same second may be from before
us verify "$dest" --pub "$pub"
on withdraw --back
is 'then there is' "$status" 0
on withdraw --state "$tmp/fresh/state"
is 'a server that knows no tree can be withdrawn' "$status" 0
on withdraw --state "$tmp/fresh/state" --back
is 'but nothing proves that it may come back' "$status" 4
on status
like 'another state notices what it did not do' "$(output)" 'as if this server were withdrawn'
us verify "$dest" --pub "$pub"
mkdir "$state/dest/damaged" && echo '{' >"$state/dest/damaged/dest.json"
on withdraw --back
is 'but not while the state of some tree cannot be read' "$status" 3
like 'which it says' "$(errors)" 'dest/damaged .*damaged'
on status
is 'status counts it as bad' "$status" 1
like 'and names it' "$(errors)" 'dest/damaged .*damaged'
rm -r "$state/dest/damaged"
on withdraw --back
is 'and can undo it' "$status" 0
ok 'visitors are served at the end' gets 80
us journal verify
is 'the journal is whole' "$status" 0
done_testing
