#!/bin/bash
# publish, and the power fails at any of the disk's flushes: the old or the new release is there, whole; after publish
# has ended, the new one.
. "$(dirname "$0")/lib.sh"
use power states
power_need
need minisign
states_init

power_prepare() { publish_before "$power_disk"; }
power_examine() { publish_examine "$power_disk" "$1"; }
power_finish() { publish_finish "$power_disk"; }
publish_command "$power_disk"
power_command=("${state_command[@]}")
power_everywhere

ok 'the disk was flushed on the way' test "$power_flushes" -ge 3
is 'old or new, whole, and the next run succeeds' "${#power_violations[@]}" 0
done_testing
