#!/bin/bash
# The journal, and the power fails at any of the disk's flushes: it is whole, and after the writer has ended every record
# is there.
. "$(dirname "$0")/lib.sh"
use power journal_states
power_need
need jq

: >"$tmp/nothing"
power_prepare() { journal_before "$power_disk/journal"; }
power_examine()
{
        journal_examine "$power_disk/journal" "$tmp/nothing" || return 1
        [[ $1 != 'done' || $(sed -n 2p "$power_disk/journal/checkpoint") -eq 259 ]] ||
                { echo 'a durable record is gone' && return 1; }
}
power_finish() { journal_finish "$power_disk/journal"; }
power_command=("$journal_writer" "$power_disk/journal" 5 power)
power_everywhere

ok 'the disk was flushed on the way' test "$power_flushes" -ge 10
is 'whole, and the next writer goes on' "${#power_violations[@]}" 0
done_testing
