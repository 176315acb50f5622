#!/bin/bash
# Two controllers and a real etcd cluster of three: one leads, and the other follows when it is killed, stopped, or cut off
# with a minority; a failover is made once, whoever begins it; without etcd the site stays up and nobody moves. In a lab of
# its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../../lab/namespaces.sh
. "$source_folder/lab/namespaces.sh"
# shellcheck source=../../lab/database.sh
. "$source_folder/lab/database.sh"
# shellcheck source=../support/agent.sh
. "$source_folder/tests/support/agent.sh"
# shellcheck source=../../lab/stage.sh
. "$source_folder/lab/stage.sh"
# shellcheck source=../support/failover.sh
. "$source_folder/tests/support/failover.sh"
PATH=$PATH:/usr/sbin:/sbin

need etcd etcdctl
failover_enter "$(readlink -f "$0")"

endpoints=http://192.0.2.21:2379,http://192.0.2.22:2379,http://192.0.2.23:2379
coordination="coordination { etcd { endpoints = {\"${endpoints//,/\", \"}\"} lease = 2s } }"
cluster=e1=http://192.0.2.21:2380,e2=http://192.0.2.22:2380,e3=http://192.0.2.23:2380

member()
{
        local n=$1 url=http://192.0.2.2$1
        lab_in "etcd$n" etcd --name "e$n" --data-dir "$tmp/etcd$n" --listen-client-urls "$url:2379" --advertise-client-urls "$url:2379" \
                --listen-peer-urls "$url:2380" --initial-advertise-peer-urls "$url:2380" --initial-cluster "$cluster" \
                --initial-cluster-state new --log-level error >"$tmp/etcd$n.log" 2>&1 </dev/null &
}
etcd_says() { ETCDCTL_API=3 etcdctl --endpoints "$endpoints" --command-timeout=5s "$@" 2>"$tmp/etcdctl"; }

# watcher NAME: a controller on that host, with a state of its own
declare -A watchers
watcher()
{
        mkdir -p "$tmp/$1"
        : >"$tmp/$1.log"
        nsenter --net="/run/netns/$1" "$UNDERSTUDY" controller --config "$tmp/site.conf" --state "$tmp/$1" >>"$tmp/$1.log" 2>&1 </dev/null &
        watchers[$1]=$!
        wait_for 30 grep -q '^ready' "$tmp/$1.log"
}
end_watcher() { { kill -KILL "${watchers[$1]}" && wait "${watchers[$1]}"; } 2>/dev/null; }
leads() { [[ $(grep -E 'this controller (leads|does not lead)' "$tmp/$1.log" | tail -n 1) == *'controller leads' ]]; }
leads_not() { ! leads "$1"; }
# cut_off HOST ADDRESS...: nothing goes from there to these
cut_off()
{
        local host=$1
        shift
        lab_in "$host" nft -f - <<END
table inet cut {
        chain out { type filter hook output priority -400; ip daddr { $(IFS=,; echo "$*") } drop; }
        chain in { type filter hook prerouting priority -400; ip saddr { $(IFS=,; echo "$*") } drop; }
}
END
}
mend() { lab_in "$1" nft delete table inet cut; }
# How many failovers were begun and made, by all.
made() { local name; for name in watch1 watch2; do "$UNDERSTUDY" journal show --dir "$tmp/$name/journal" --json 2>/dev/null; done |
        jq -r 'select(.kind == "step_done" and .step == "probe-site") | .step' | grep -c .; }
epoch() { drive database arbiter && sed 's/^ok //' "$tmp/stdout" | jq -r .epoch; }

failover_servers
for n in 1 2 3; do lab_host "etcd$n" "192.0.2.2$n"; done
lab_host watch1 192.0.2.31 && lab_host watch2 192.0.2.32 || bail_out 'no hosts'
for n in 1 2 3; do member "$n"; done
answers() { etcd_says put /test/begun yes >"$tmp/put"; }
wait_for 60 answers || bail_out "no etcd: $(cat "$tmp/etcdctl" "$tmp/etcd1.log")"
failover_roles 'flips = 50'
keeper production
keeper standby
ok 'the keeper of production takes the address, whoever leads' wait_for 30 is_served_by production
watcher watch1
ok 'one controller leads' wait_for 20 leads watch1
watcher watch2
sleep 1.5
ok 'the other does not' leads_not watch2
like 'which etcd knows' "$(etcd_says get --prefix /understudy/ | head -n 1)" '/leader$'
by_hand status --json
json_is 'and status says' .controller.leads "$(uname -n)"
by_hand check
like 'check has asked each member' "$(output)" "3 of 3 members answer; the controller on $(uname -n) leads"

# ---------------------------------------------------------------- a failover by the one that leads
sleep 2 # what it knows of the stand-by
holders
cut_power production
ok 'the stand-by is on stage' wait_for 60 is_served_by standby
wait_for 20 grep -q 'standby is on stage' "$tmp/watch1.log"
is 'by one failover' "$(made)" 1
is 'at no moment had both the address' "$(held_twice)" 0
revision=$(etcd_says get -w json "$(etcd_says get --prefix --keys-only /understudy/ | grep '/stage$')" | jq -r '.kvs[0].mod_revision')
is 'its epoch is the revision of etcd' "$(epoch)" "$revision"
is 'no move is under way' "$(etcd_says get --prefix --keys-only /understudy/ | grep -c '/move$')" 0
boot production
home 'a power cut'

# ---------------------------------------------------------------- the leader is stopped, and goes on too late
kill -STOP "${watchers[watch1]}"
ok 'the leader is stopped: the other one leads' wait_for 30 leads watch2
sleep 2.5
holders
cut_power production
ok 'and moves the site' wait_for 60 is_served_by standby
wait_for 20 grep -q 'standby is on stage' "$tmp/watch2.log"
kill -CONT "${watchers[watch1]}"
ok 'the first one, when it goes on, leads no more' wait_for 20 leads_not watch1
sleep 2
is 'nobody moved it again' "$(made)" 2
is 'at no moment had both the address' "$(held_twice)" 0
boot production
home 'the stop of a leader'

# ---------------------------------------------------------------- the leader is killed in the middle of a failover
holders
cut_power production
until grep -q ' claim$' "$tmp/watch2.log.new" 2>/dev/null; do
        tail -n +"$(($(grep -n 'standby is on stage' "$tmp/watch2.log" | tail -n 1 | cut -d: -f1) + 1))" "$tmp/watch2.log" >"$tmp/watch2.log.new"
        sleep 0.005
done
end_watcher watch2
ok 'the other one leads' wait_for 30 leads watch1
ok 'the stand-by is on stage' wait_for 60 is_served_by standby
like 'because it went on with the failover' "$(cat "$tmp/watch1.log")" 'whose controller is gone, goes on here'
wait_for 20 grep -q 'standby is on stage' "$tmp/watch1.log"
is 'the database has shut production out' "$(place production)" out
is 'and let the stand-by in' "$(place standby)" in
is 'at no moment had both the address' "$(held_twice)" 0
watcher watch2
boot production
home 'the death of a leader'

# ---------------------------------------------------------------- a minority, and no etcd at all
cut_off etcd1 192.0.2.22 192.0.2.23
cut_off watch1 192.0.2.22 192.0.2.23
ok 'the leader reaches a minority only, and leads no more' wait_for 30 leads_not watch1
ok 'the other one does' wait_for 30 leads watch2
by_hand check
like 'check names the member that is alone' "$(output)" '192.0.2.21:[0-9]+ does not reach the majority of its cluster'
cut_off watch2 192.0.2.21 192.0.2.22 192.0.2.23
ok 'cut off from all of it, neither does it' wait_for 30 leads_not watch2
cut_off database 192.0.2.21 192.0.2.22 192.0.2.23
by_hand switch standby
is 'nor can a person move' "$status" 3
like 'for this reason' "$(errors)" 'etcd'
is 'the site stays where it is' "$(served)" production
by_hand status --json
json_is 'status does not say that the site would move' '.controller.leads + "," + (.failover.ready | tostring)' ',false'
like 'but why nobody knows who leads' "$(json .controller.why)" 'etcd'
by_hand check
like 'check finds that etcd decides nothing' "$(output)" 'etcd decides nothing now, so no controller moves the site'
before=$(made)
signal KILL production nginx
sleep 4
is 'and when it fails nobody moves' "$(made) $(has_address standby && echo moved)" "$before "
mend watch2
ok 'until one of them has a majority again' wait_for 60 is_served_by standby
is 'by one failover' "$(made)" $((before + 1))
mend watch1
mend etcd1
mend database
wait_for 20 grep -q 'standby is on stage' "$tmp/watch2.log"
start_web production
sleep 1
home 'the loss of etcd'
done_testing
