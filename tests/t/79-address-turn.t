#!/bin/bash
# Planned moves while the holder of the one that leaves is slow between its look whether it has the address and what it does with it:
# it neither puts the address back nor tells the segment of it, so that nobody's connection ends. (A busy machine makes it slow for
# milliseconds; here strace does, for longer.) In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover established
PATH=$PATH:/usr/sbin:/sbin
need strace
failover_enter "$(readlink -f "$0")"

big_file 1
failover_stage 'flips = 50'
drain 30s
for host in production standby; do keeper "$host"; done
ok 'production is on stage' wait_for 30 is_served_by production
traces() { lab_in "$1" nft list tables | grep relay; ip -n "$1" -o address show dev lo | grep "$service"; }
no_traces() { is "$1: and nothing of it is left on either server" "$(traces production; traces standby)" ''; }

# slow HOST: whatever its holder asks of the kernel takes 40 ms longer.
slow()
{
        strace -qq -f -e trace=sendto -e inject=sendto:delay_enter=40000 -p "$(processes_of "$1" holder | head -n 1)" -o "$tmp/strace" 2>/dev/null &
        tracer=$!
        cleanup_process "$tracer"
        sleep 0.5
}
watch_holders()
{
        rm -f "$tmp/watch.stop" "$tmp/watched"
        "$source_folder/tests/support/holders.pl" "$service" eth0 "$tmp/watch.stop" production standby >"$tmp/watched" 2>&1 &
}
# renewals SECONDS: how often the holder of production has renewed it meanwhile.
renewals() { timeout "$1" ip -n production monitor address 2>/dev/null | grep -c "$service"; }
lock=$tmp/production/state/address.lock
ok 'the holder renews the address all the time' test "$(renewals 1.2)" -ge 1
flock "$lock" sleep 0.9 &
sleep 0.1
is 'but not while the agent has its turn' "$(renewals 0.7)" 0
wait $!
flock "$lock" sleep 4 &
ok 'one that never ends it does not keep it from it' test "$(renewals 3.5)" -ge 2
has_it() { ip -n production -o address show dev eth0 | grep -q "$service/"; }
ok 'so that the address stays' has_it
wait $!

for round in 1 2; do
        for way in 'switch standby' return; do
                to=production from=standby
                [[ $way == return ]] || { to=standby from=production; }
                words="$way, round $round"
                slow "$from"
                watch_holders
                established 2 4
                # shellcheck disable=SC2086
                move_begins $way
                ok "$words: $to is on stage" wait_for 30 is_served_by "$to"
                sleep 1
                move_lost_nothing "$words" 2
                is "$words: never two had the address" "$(held_twice)" 0
                kill "$tracer"
                wait "$tracer" 2>/dev/null
        done
done
done_testing
