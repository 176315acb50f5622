#!/bin/bash
# The test of the crash tests: a program that replaces its file as it should passes, and three that do not are caught:
# one that writes in place, one that leaves its temporary file behind, and one whose child outlives it.
. "$(dirname "$0")/lib.sh"
use crash
need strace perl

# Each replaces $tmp/place/file, "old" by "new", in one process.
program='use strict; use IO::Handle;
my ($kind, $place) = @ARGV;
my $temporary = $kind eq "litter" ? "$place/.$$" : "$place/.temporary";
if ($kind eq "orphan" and not fork) { sleep 3; exit }
open(my $file, ">", $kind eq "in-place" ? "$place/file" : $temporary) or die;
$file->autoflush(1);
print $file "new\n" for 1 .. 3;
$file->sync;
close $file;
rename($temporary, "$place/file") or die unless $kind eq "in-place";'
printf '%s\n' "$program" >"$tmp/program"
old=$'old\nold\nold' new=$'new\nnew\nnew'

crash_prepare()
{
        rm -rf "$tmp/place"
        mkdir "$tmp/place"
        echo "$old" >"$tmp/place/file"
}
crash_examine()
{
        local is
        is=$(cat "$tmp/place/file")
        [[ $is == "$old" || $is == "$new" ]] || { echo "neither old nor new" && return 1; }
}
crash_finish()
{
        "${crash_command[@]}"
        [[ $(ls -A "$tmp/place") == file ]] || { echo "left behind: $(ls -A "$tmp/place")" && return 1; }
}

for kind in good in-place litter; do
        crash_command=(perl "$tmp/program" "$kind" "$tmp/place")
        crash_runs=0 crash_kills=0 crash_violations=()
        CRASH_STRIDE=1 CRASH_SAMPLE=5 crash_everywhere # each call: one of them is the fault
        is "$kind: it was killed in every run" "$crash_kills" "$crash_runs"
        case $kind in
        good) is "$kind: no violation" "${#crash_violations[@]}" 0 ;;
        in-place) like "$kind: caught" "${crash_violations[*]}" 'neither old nor new' ;;
        litter) like "$kind: caught" "${crash_violations[*]}" 'left behind' ;;
        esac
done

crash_command=(perl "$tmp/program" orphan "$tmp/place")
crash_violations=()
crash_finish() { :; }
CRASH_PATIENCE=1 crash_at write 1
like 'orphan: caught' "${crash_violations[*]}" 'lives on'

done_testing
