#!/bin/bash
# A planned move of the address that breaks nothing: slow downloads, kept connections that go on asking, a new connection every
# 5 ms, while the site goes to the stand-by and back, with keepers that hold the address. What it refuses, and what a crash in
# the middle of it leaves.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover established
PATH=$PATH:/usr/sbin:/sbin
failover_enter "$(readlink -f "$0")"

big_file 16
failover_stage 'flips = 50'
drain 30s
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production

# traces HOST: all that such a move touches.
traces()
{
        lab_in "$1" nft list tables | grep relay
        ip -n "$1" -o address show dev lo | grep "$service"
        lab_in "$1" cat /proc/sys/net/ipv4/conf/{all,lo,eth0}/{arp_ignore,arp_announce,forwarding,rp_filter} | tr '\n' ' '
        find "$tmp/$1/state" -name 'relay*'
        ip -n "$1" rule show
}
before=$(traces production; traces standby)
no_traces() { is "$1: and nothing of it is left on either server" "$(traces production; traces standby)" "$before"; }
intents() { "$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json 2>/dev/null | grep -c '"step_intent"'; }

by_hand switch standby --plan
like 'the plan says that connections are kept' "$(output)" 'established connections: they stay with production'
by_hand switch standby --plan --json
json_is 'also to a program' .established kept

# ---------------------------------------------------------------- there and back
for way in 'switch standby' return; do
        to=production from=standby
        [[ $way == return ]] || { to=standby from=production; }
        established 10 25
        # shellcheck disable=SC2086
        move_begins $way
        ok "$way: $to is on stage" wait_for 30 is_served_by "$to"
        sleep 1
        is "$way: while connections stand, $from has the address on lo only" \
                "$(ip -n "$from" -o address show | awk -v a="$service/" 'index($4, a) == 1 { print $2 }')" lo
        move_lost_nothing "$way" 10
done

# ---------------------------------------------------------------- to the server that is on stage
count=$(intents)
established 2 5
by_hand return
is 'return when production is on stage: nothing is to be done' "$status" 0
like 'which is said' "$(output)" 'production is on stage already'
is 'no step is made' "$(intents)" "$count"
sleep 0.5
established_end
is 'and no connection breaks' "$(came_of new 3) $(came_of kept 3) $(grep ^download "$tmp/established")" "0 0 download 2 $big_digest 2"

# ---------------------------------------------------------------- without it they break, which must be allowed
cp "$tmp/site.conf" "$tmp/good.conf"
sed -i 's/addresses = {192.0.2.77}/addresses = {198.51.100.7}/' "$tmp/site.conf"
count=$(intents)
by_hand switch standby
is 'where the other server is not on the segment, the switch is refused' "$status" 4
like 'with the reason and the way out' "$(errors)" 'allow-reset.*not on one segment'
is 'before anything is done' "$(intents)" "$count"
by_hand switch standby --plan
like 'the plan says so' "$(output)" 'refused without --allow-reset.*not on one segment'
is 'production is on stage' "$(served)" production
cp "$tmp/good.conf" "$tmp/site.conf"
established 2 2
move_begins switch standby --allow-reset
ok 'with --allow-reset the site moves' wait_for 30 is_served_by standby
sleep 0.5
established_end
move_ends
is 'and is done' "$moved" 0
is 'established connections break' "$(came_of kept 3)$(grep ^download "$tmp/established")" "2download 2 broken 2"
no_traces 'allow-reset'
by_hand return
is 'and back' "$status" 0
drive production connections
like 'what broke is not taken for visitors by the next drain' "$(output)" '"connections": *0'

# ---------------------------------------------------------------- killed in the middle
drain 5s
status_of_return()
{
        by_hand return
        is "$1: the return is done" "$status" 0
        [[ $status -eq 0 ]] || output_diag
}
for round in 'relay undo' 'drain undo' 'drain resume' 'relay-end resume'; do
        read -r step way <<<"$round"
        [[ $step != drain ]] || established 0 2
        move_begins switch standby
        ok "killed at $step" move_killed_at "$step" || diag "$(cat "$tmp/move.log")"
        [[ $step != drain ]] || established_end
        by_hand switch "--$way"
        is "killed at $step: $way ends it" "$status" "$([[ $way == undo ]] && echo 1 || echo 0)"
        [[ $status -le 1 ]] || output_diag
        is "killed at $step, $way: who is on stage" "$(served)" "$([[ $way == undo ]] && echo production || echo standby)"
        no_traces "killed at $step, $way"
        [[ $way == undo ]] || status_of_return "after $step, $way"
done
is 'and at last production' "$(served)" production
done_testing
