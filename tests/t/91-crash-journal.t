#!/bin/bash
# A writer of the journal, killed at its system calls: every record that was said to be durable is there, the journal is
# whole and continues what it was, and the next writer goes on.
. "$(dirname "$0")/lib.sh"
use crash journal_states
need strace jq

place=$tmp/place
mkdir "$place"
journal_before "$place/journal"
cp -a "$place" "$tmp/template"
crash_prepare() { rm -rf "$place" && cp -a "$tmp/template" "$place"; }
crash_examine() { journal_examine "$place/journal" "$tmp/stdout"; }
crash_finish() { journal_finish "$place/journal"; }
crash_command=("$journal_writer" "$place/journal" 3 crash)
CRASH_SAMPLE=${CRASH_SAMPLE:-6} crash_everywhere

ok 'there were many kill points' test "$crash_runs" -ge 3
ok 'it was killed at nearly each' crash_met
is 'durable records stay, and the next writer goes on' "${#crash_violations[@]}" 0

# The very first use: key, public key, the checkpoint of no records.
journal_first_examine() { [[ ! -e $place/journal/checkpoint ]] || "$UNDERSTUDY" journal verify --dir "$place/journal"; }
crash_prepare() { rm -rf "$place" && mkdir "$place"; }
crash_examine() { journal_first_examine; }
crash_finish()
{
        "$journal_writer" "$place/journal" 1 >/dev/null && "$UNDERSTUDY" journal verify --dir "$place/journal"
}
crash_command=("$journal_writer" "$place/journal" 1)
crash_violations=()
CRASH_SAMPLE=${CRASH_SAMPLE:-6} crash_everywhere
is 'a journal that was never whole begins anew' "${#crash_violations[@]}" 0
done_testing
