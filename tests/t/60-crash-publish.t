#!/bin/bash
# publish, killed at its system calls: the repository offers the old release or the new one, whole, and the next publish
# makes a release and leaves nothing behind.
. "$(dirname "$0")/lib.sh"
use crash states
need strace minisign
states_init

place=$tmp/place
crash_prepare()
{
        rm -rf "$place"
        mkdir "$place"
        publish_before "$place"
}
crash_examine() { publish_examine "$place"; }
crash_finish() { publish_finish "$place"; }
publish_command "$place"
crash_command=("${state_command[@]}")
crash_everywhere

ok 'there were many kill points' test "$crash_runs" -ge 5
ok 'it was killed at nearly each' crash_met
is 'old or new, whole, and the next run succeeds' "${#crash_violations[@]}" 0
done_testing
