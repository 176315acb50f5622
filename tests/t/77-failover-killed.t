#!/bin/bash
# A controller that is killed at each step of a failover: the next one ends it, with one server on stage and one in at the database.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin
failover_enter "$(readlink -f "$0")"

lease='lease_self = 800ms lease_take = 900ms'
failover_stage 'flips = 50'
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production
controller

# kill_at PATTERN: the controller, as soon as it says so.
kill_at()
{
        perl -e 'my ($log, $pattern, $pid) = @ARGV; my $end = time + 40;
                while (time < $end) {
                        open(my $in, "<", $log) or next;
                        if (grep { /$pattern/ } <$in>) { kill "KILL", $pid; exit 0 }
                }
                exit 1' "$tmp/controller.log" "$1" "$controller"
}
settled() { is_served_by standby && [[ "$(place production) $(place standby)" == 'out in' ]]; }

rounds=0
holders
for step in 'the site moves' still-clean claim fence admit probe-new stop-old address probe-site; do
        sleep 1.3 # the hold-down, and what the controller has to know
        signal KILL production nginx
        ok "$step: the controller is killed there" kill_at "$step\$|$step to"
        wait "$controller" 2>/dev/null
        sleep 0.5
        controller
        ok "$step: the next one brings it to a good end" wait_for 40 settled
        start_web production
        by_hand return
        is "$step: and production can return" "$status" 0
        [[ $status -eq 0 ]] || output_diag
        rounds=$((rounds + 1))
done 2>/dev/null
is 'never two held the address' "$(held_twice)" 0
unlike 'every move has its end' "$(moves)" 'stopped'
done_testing
