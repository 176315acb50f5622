#!/bin/bash
# Taking and dropping a service address between two servers of a segment, with a visitor whose caches are warm. In a lab
# of its own.
. "$(dirname "$0")/lib.sh"
use namespaces
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/traffic_driver
lab_network && lab_host production 192.0.2.77 && lab_host standby 192.0.2.78 && lab_host visitor 192.0.2.9 ||
        bail_out 'no network'
four=192.0.2.80 six=2001:db8::80
for host in production standby visitor; do
        case $host in production) last=77 ;; standby) last=78 ;; visitor) last=9 ;; esac
        # No waiting for duplicates: the hosts' own addresses are usable at once.
        lab_in "$host" sysctl -q net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.accept_ra=0
        ip -n "$host" -6 address add "2001:db8::$last/64" dev eth0 nodad
done

# on HOST VERB ADDRESS [OPTION...]
on()
{
        local host=$1 verb=$2 address=$3
        shift 3
        lab_in "$host" "$driver" address "$verb" eth0 "$address" "$@"
}
mac() { ip -n "$1" -o link show eth0 | sed 's/.*link.ether \([^ ]*\).*/\1/'; }
neighbour() { ip -n visitor neighbour show to "$1" | sed -n 's/.* lladdr \([^ ]*\).*/\1/p'; }
holders()
{
        local host
        for host in production standby; do
                [[ -z $(ip -n "$host" -o address show to "$1") ]] || echo -n "$host "
        done
}
standby=$(mac standby)
production=$(mac production)

for address in $four $six; do
        status_is 0 "$address: taken by production" on production take "$address" probe=50
        status_is 0 "$address: taken again: nothing to do" on production take "$address" probe=50
        status_is 0 "$address: looked at" on production look "$address"
        is "$address: it is here" "$(output)" here
        is "$address: by ip, too" "$(holders "$address")" 'production '
        lab_in visitor "$driver" gap "$address" 100 >"$tmp/warm"
        is "$address: the visitor's cache is warm" "$(neighbour "$address")" "$production"

        # ------------------------------------------------ never two holders
        status_is 4 "$address: not taken while production answers" on standby take "$address" probe=200
        like "$address: says who has it" "$(errors)" "$production"
        is "$address: still one holder" "$(holders "$address")" 'production '
        status_is 0 "$address: the probe says who" on standby probe "$address" probe=200
        is "$address: and is right" "$(output)" "$production"

        # ------------------------------------------------ the move
        lab_in visitor "$driver" gap "$address" 1500 >"$tmp/gap" &
        visitor=$!
        sleep 0.4
        ok "$address: dropped by production" on production drop "$address"
        ok "$address: taken by standby" on standby take "$address"
        begin=$(date +%s%N)
        until [[ $(neighbour "$address") == "$standby" || $(($(date +%s%N) - begin)) -gt 1000000000 ]]; do :; done
        is "$address: the visitor's cache knows it" "$(neighbour "$address")" "$standby"
        wait "$visitor"
        read -r replies gap <"$tmp/gap"
        diag "$address: $replies replies, the longest gap was $((gap / 1000)).$((gap % 1000 / 100)) ms (drop and take by two processes)"
        ok "$address: it was answered before and after" test "$replies" -gt 50
        status_is 0 "$address: dropping it again: nothing to do" on production drop "$address"
        status_is 0 "$address: gone from production" on production look "$address"
        is "$address: nowhere" "$(output)" nowhere

        # ------------------------------------------------ a second holder
        on standby hold "$address" time=1500 >"$tmp/rivals" &
        watcher=$!
        sleep 0.3
        is "$address: nobody else, nothing said" "$(cat "$tmp/rivals")" ''
        # He keeps quiet: no announcement.
        if [[ $address == *:* ]]; then ip -n production -6 address add "$address/128" dev eth0 nodad; else
                ip -n production address add "$address/32" dev eth0
        fi
        wait "$watcher"
        like "$address: a quiet second holder is found" "$(cat "$tmp/rivals")" "holds $production"
        status_is 4 "$address: and is in the way of a third" on visitor take "$address" probe=200

        # ------------------------------------------------ forced: the old one is shut out elsewhere
        ok "$address: the standby drops it" on standby drop "$address"
        status_is 0 "$address: forced, in spite of an answer" on standby take "$address" probe=100 force
        ok "$address: the second holder drops it" on production drop "$address"
        is "$address: one holder" "$(holders "$address")" 'standby '
        ok "$address: the standby drops it" on standby drop "$address"
        status_is 0 "$address: nobody answers now" on standby probe "$address" probe=100
        is "$address: nobody" "$(output)" nobody

        # ------------------------------------------------ a limited life
        ok "$address: taken for a second" on standby take "$address" valid=1
        ok "$address: it is there" test "$(holders "$address")" = 'standby '
        gone() { [[ -z $(holders "$address") ]]; }
        ok "$address: the kernel drops it, without anybody's help" wait_for 10 gone
        ok "$address: taken for two seconds" on standby take "$address" valid=2
        for _ in 1 2 3 4 5; do sleep 0.7 && on standby take "$address" valid=2; done
        is "$address: kept by who goes on" "$(holders "$address")" 'standby '
        ok "$address: for good" on standby take "$address"
        ok "$address: dropped" on standby drop "$address"
done

# ---------------------------------------------------------------- two want it at once

on standby take $four probe=900 2>"$tmp/first" &
first=$!
sleep 0.1
status_is 0 'one of two gets it' on production take $four probe=300
wait $first
is 'the other one gives way' "$?" 4
like 'because somebody wants it, too' "$(cat "$tmp/first")" "$production"
is 'one holder' "$(holders $four)" 'production '
on production drop $four

# ---------------------------------------------------------------- what cannot be done is said

status_is 3 'no such interface' lab_in standby "$driver" address take eth9 $four
like 'names it' "$(errors)" 'eth9'
status_is 3 'no neighbours on lo' lab_in standby "$driver" address take lo $four
like 'says why' "$(errors)" 'no Ethernet interface'
ip -n standby link set eth0 down
status_is 3 'an interface that is down' on standby take $four
like 'says so' "$(errors)" 'eth0.*Network is down'
ip -n standby link set eth0 up
lab_in standby "$driver" address drop eth0 $four
ip -n standby address add $four/32 dev lo
status_is 0 'an address on another interface' on standby look $four
is 'is elsewhere' "$(output)" elsewhere
done_testing
