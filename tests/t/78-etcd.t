#!/bin/bash
# Two controllers and a real etcd cluster of three: one leads, and the other follows when it is killed, stopped, or cut off
# with a minority; a failover is made once, whoever begins it; without etcd the site stays up and nobody moves. In a lab of
# its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover etcd
PATH=$PATH:/usr/sbin:/sbin

need etcd etcdctl
failover_enter "$(readlink -f "$0")"

failover_servers
etcd_hosts 2
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
