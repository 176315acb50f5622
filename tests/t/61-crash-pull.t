#!/bin/bash
# pull, killed at its system calls: the old or the new tree is live, whole, and the next pull ends exact and leaves
# nothing behind but, when there was something to heal, the evidence.
. "$(dirname "$0")/lib.sh"
use crash states
need strace
need_root
states_init

place=$tmp/place
mkdir "$place"
crash_prepare()
{
        rm -rf "$place"
        mkdir "$place"
        pull_before "$place"
}
crash_examine() { pull_examine "$place"; }
crash_finish() { pull_finish "$place"; }

for pull_way in ${PULL_WAYS:-update heal first}; do
        pull_init "$place"
        pull_command "$place"
        crash_command=("${state_command[@]}")
        crash_status=$(pull_status)
        crash_runs=0 crash_kills=0 crash_violations=()
        crash_everywhere
        ok "$pull_way: there were many kill points" test "$crash_runs" -ge 5
        ok "$pull_way: it was killed at nearly each" crash_met
        is "$pull_way: old or new, whole, and the next run succeeds" "${#crash_violations[@]}" 0
done
done_testing
