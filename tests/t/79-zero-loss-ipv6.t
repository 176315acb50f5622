#!/bin/bash
# A planned move of a service that has an IPv4 and an IPv6 address: what is established over either lives on, over a web server
# with one socket for both families, with keepers that hold both addresses. And one that has IPv6 alone.
. "$(dirname "$0")/lib.sh"
use namespaces database agent
service_six=2001:db8::80
use stage failover established
PATH=$PATH:/usr/sbin:/sbin
failover_enter "$(readlink -f "$0")"

served_six() { curl -gsS -m 2 -o /dev/null -w '%header{x-served-by}' "http://[$service_six]/"; }
is_served_six_by() { [[ $(served_six 2>/dev/null) == "$1" ]]; }

big_file 16
failover_stage 'flips = 50'
drain 30s
for host in production standby; do keeper "$host"; done
ok 'production is on stage by IPv4' wait_for 30 is_served_by production
ok 'and by IPv6' wait_for 30 is_served_six_by production

# traces HOST: all that such a move touches.
traces()
{
        lab_in "$1" nft list tables | grep relay
        ip -n "$1" -o address show dev lo
        lab_in "$1" cat /proc/sys/net/ipv4/conf/{all,lo,eth0}/{arp_ignore,arp_announce} /proc/sys/net/ipv6/conf/{all,eth0}/{forwarding,proxy_ndp} | tr '\n' ' '
        find "$tmp/$1/state" -name 'relay*'
        ip -n "$1" -6 rule show
}
before=$(traces production; traces standby)
no_traces() { is "$1: and nothing of it is left on either server" "$(traces production; traces standby)" "$before"; }
# on HOST ADDRESS: its interfaces that have the address
on() { ip -n "$1" -o address show | awk -v a="$2/" 'index($4, a) == 1 { print $2 }'; }

# moved_by WHAT ADDRESS...: there and back, with visitors at these
moved_by()
{
        local what=$1 way to from address
        shift
        visited=$(IFS=,; echo "$*")
        for way in 'switch standby' return; do
                to=production from=standby
                [[ $way == return ]] || { to=standby from=production; }
                established 10 24
                # shellcheck disable=SC2086
                move_begins $way
                ok "$what, $way: $to is on stage" wait_for 30 is_served_six_by "$to"
                sleep 1
                for address in "$@"; do
                        is "$what, $way: while connections stand, $from has $address on lo only" "$(on "$from" "$address")" lo
                        is "$what, $way: and $to on the segment" "$(on "$to" "$address")" eth0
                done
                move_lost_nothing "$what, $way" 10
        done
}

by_hand switch standby --plan --json
json_is 'the plan keeps connections' .established kept
moved_by 'by both' "$service" "$service_six"

# ---------------------------------------------------------------- what is counted, and what a drain waits for
visited=$service,$service_six
established 2 2
drive production connections
like 'connections of both families are counted' "$(output)" '"connections": *([4-9]|[1-9][0-9])'
established_end

# ---------------------------------------------------------------- killed in the middle
drain 5s
for way in undo resume; do
        established 0 4
        move_begins switch standby
        ok "killed at drain" move_killed_at drain || diag "$(cat "$tmp/move.log")"
        established_end
        by_hand switch "--$way"
        is "killed at drain: $way ends it" "$status" "$([[ $way == undo ]] && echo 1 || echo 0)"
        is "killed at drain, $way: who is on stage by IPv6" "$(served_six)" "$([[ $way == undo ]] && echo production || echo standby)"
        no_traces "killed at drain, $way"
        is "killed at drain, $way: no kept connection broke" "$(came_of kept 3)" 0
done
by_hand return
is 'and back' "$status" 0

# ---------------------------------------------------------------- one family cannot be kept: refused, and both are named
cp "$tmp/site.conf" "$tmp/good.conf"
sed -i "s/, \"$(six_of production)\"//" "$tmp/site.conf"
by_hand switch standby
is 'where there is no way to the other server by IPv6, the switch is refused' "$status" 4
like 'with the reason and the way out' "$(errors)" 'allow-reset.*IPv6.*not on one segment'
is 'production is on stage by IPv6' "$(served_six)" production
is 'and by IPv4' "$(served)" production
cp "$tmp/good.conf" "$tmp/site.conf"
visited=$service_six
established 2 2
move_begins switch standby --allow-reset
ok 'with --allow-reset the site moves' wait_for 30 is_served_six_by standby
sleep 0.5
established_end
move_ends
is 'and is done' "$moved" 0
is 'established connections over IPv6 break' "$(came_of kept 3)$(grep ^download "$tmp/established")" "2download 2 broken 2"
no_traces 'allow-reset'
by_hand return
is 'and back' "$status" 0
drive production connections
like 'what broke is not taken for visitors by the next drain' "$(output)" '"connections": *0'

# ---------------------------------------------------------------- IPv6 alone
for host in production standby; do
        for pid in $(processes_of "$host" understudy); do ! grep -q keeper "/proc/$pid/cmdline" || kill "$pid"; done
done
ok 'without a keeper nobody has the address' wait_for 10 has_not production
sed -i "s,addresses = {\"$service/24\"\, ,addresses = {," "$tmp"/*.conf
for host in production standby; do keeper "$host"; done
ok 'IPv6 alone: production is on stage' wait_for 30 is_served_six_by production
is 'IPv6 alone: nobody has the IPv4 address' "$(on production "$service")$(on standby "$service")" ''
drain 30s
moved_by 'IPv6 alone' "$service_six"
done_testing
