#!/bin/bash
# pull, and the power fails at any of the disk's flushes: the old or the new tree is live, whole; after pull has ended,
# the new one; and the next pull ends exact and leaves nothing behind but the evidence of what it healed.
. "$(dirname "$0")/lib.sh"
use power states
power_need
states_init

power_prepare() { pull_before "$power_disk"; }
power_examine() { pull_examine "$power_disk" "$1"; }
power_finish() { pull_finish "$power_disk"; }

for pull_way in update heal first; do
        pull_init "$power_disk"
        pull_command "$power_disk"
        power_command=("${state_command[@]}")
        power_status=$(pull_status)
        power_images=0 power_violations=()
        power_everywhere
        ok "$pull_way: the disk was flushed on the way" test "$power_flushes" -ge 3
        is "$pull_way: old or new, whole, and the next run succeeds" "${#power_violations[@]}" 0
done
done_testing
