#!/bin/bash
# Three controllers and a real etcd cluster of three, while production is well: whatever happens to the one that leads and to the
# members of etcd, production keeps the address at every moment, nobody has it beside it, and nobody moves the site. In a lab of
# its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover etcd
PATH=$PATH:/usr/sbin:/sbin

need etcd etcdctl
failover_enter "$(readlink -f "$0")"
etcd=(192.0.2.21 192.0.2.22 192.0.2.23)

failover_servers
etcd_hosts 3
failover_roles 'flips = 50'
keeper production
keeper standby
ok 'production has the address' wait_for 30 is_served_by production
for name in watch1 watch2 watch3; do watcher "$name"; done

stopped='' # controllers that say nothing of themselves
# leaders: which of the others lead; one_leads [BESIDE]: exactly one, and not that one
leaders() { local name; for name in watch1 watch2 watch3; do [[ " $stopped " == *" $name "* ]] || ! leads "$name" || echo -n "$name "; done; }
one_leads()
{
        leader=$(leaders)
        [[ $leader == *' ' && $leader != *' '*' ' ]] || return
        leader=${leader% }
        [[ $leader != "${1:-}" ]]
}
nobody_leads() { [[ -z $(leaders) ]]; }
# family NUMBER: a process, and all below it
family()
{
        local child
        echo "$1"
        for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do family "$child"; done
}
# unmoved WHAT: what must be true after it
unmoved()
{
        is "$1: production had the address at each moment, and nobody beside it" "$(held_throughout)" '0 0'
        is "$1: nobody moved" "$(made) $(epoch) $(served)" "0 $first production"
}
ok 'one controller leads' wait_for 30 one_leads
first=$(epoch)
known_standby

# ---------------------------------------------------------------- the one that leads
holders
gone=$leader
end_watcher "$gone"
stopped=$gone
ok 'killed: another one leads' wait_for 30 one_leads "$gone"
sleep 3 # longer than any lease of a keeper
unmoved 'killed'
watcher "$gone"
stopped=

holders
gone=$leader
kill -STOP "${watchers[$gone]}"
stopped=$gone
ok 'stopped: another one leads' wait_for 30 one_leads "$gone"
sleep 2
kill -CONT "${watchers[$gone]}"
stopped=
sleep 1
ok 'stopped: when it goes on it leads no more' wait_for 20 one_leads "$gone"
unmoved 'stopped'

holders
gone=$leader
mapfile -t frozen < <(family "${watchers[$gone]}")
kill -STOP "${frozen[@]}" 2>/dev/null
stopped=$gone
ok 'frozen with all of its processes: another one leads' wait_for 30 one_leads "$gone"
sleep 2
kill -CONT "${frozen[@]}" 2>/dev/null # an ssh may have ended
stopped=
sleep 1
ok 'frozen: when it goes on it leads no more' wait_for 20 one_leads "$gone"
unmoved 'frozen'

holders
gone=$leader
cut_off "$gone" "${etcd[@]}"
ok 'cut from etcd: another one leads, and this one does not' wait_for 30 one_leads "$gone"
sleep 2
mend "$gone"
sleep 2
ok 'cut from etcd: mended, one leads' wait_for 20 one_leads
unmoved 'cut from etcd'

# ---------------------------------------------------------------- members of etcd
# Of all controllers, how often one said that it does not lead any more.
lost() { cat "$tmp"/watch[123].log | grep -c 'this controller does not lead'; }
for n in 1 2 3; do
        for way in KILL STOP; do
                holders
                signal "$way" "etcd$n" etcd
                sleep 4
                ok "member $n, $way: one leads" wait_for 20 one_leads
                unmoved "member $n, $way"
                if [[ $way == KILL ]]; then member "$n"; else signal CONT "etcd$n" etcd; fi
                wait_for 30 etcd_answers
                sleep 1
        done
done
diag "a controller stopped to lead $(lost) times"

holders
signal KILL etcd1 etcd
signal KILL etcd2 etcd
ok 'two of three killed: nobody leads' wait_for 30 nobody_leads
sleep 4
by_hand switch standby
is 'two of three killed: a person cannot move either' "$status" 3
unmoved 'two of three killed'

# Without anybody who could move the site the keepers' own rule still holds.
cut_off production 192.0.2.10
cut_at=$(date +%s%N)
ok 'production cannot reach the arbiter: it drops the address' wait_for 10 has_not production
diag "after $((($(date +%s%N) - cut_at) / 1000000)) ms"
ok 'in time' test "$((($(date +%s%N) - cut_at) / 1000000))" -lt 2500
sleep 3
not_ok 'and nobody takes it' has_address standby
mend production
ok 'when it can, it has the address again' wait_for 20 is_served_by production
is 'without a move' "$(made) $(epoch)" "0 $first"

holders
member 1
member 2
ok 'a majority is back: one leads' wait_for 60 one_leads
unmoved 'a majority is back'

# ---------------------------------------------------------------- and what it is for
sleep 2 # what it knows of the stand-by
holders
cut_power production
ok 'production dies: the stand-by is on stage' wait_for 60 is_served_by standby
wait_for 20 grep -q 'standby is on stage' "$tmp/$leader.log"
sleep 1
is 'by one failover' "$(made)" 1
is 'at no moment had both the address' "$(held_twice)" 0
done_testing
