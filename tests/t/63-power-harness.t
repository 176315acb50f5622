#!/bin/bash
# The test of the power-loss tests: a program that syncs its file before it renames it, and the folder afterwards, keeps
# what it said; three that leave one of the syncs out, or write in place, are caught.
. "$(dirname "$0")/lib.sh"
use power
power_need
need perl

# Each replaces $power_disk/file, 300 kB of "old" by 300 kB of "new". The sync of another file in the midst of it makes
# the journal commit there, as anything else at work on the machine would.
program='use strict; use IO::Handle;
my ($kind, $place) = @ARGV;
sub synced { open(my $f, $_[1], $_[0]) or die; print $f "x" if $_[1] eq ">"; $f->flush; $f->sync or die; close $f }
open(my $file, ">", $kind eq "in-place" ? "$place/file" : "$place/.temporary") or die;
print $file "new\n" x 40_000;
$file->flush;
synced("$place/other", ">");
print $file "new\n" x 35_000;
$file->flush;
$file->sync unless $kind eq "no-sync";
close $file;
if ($kind ne "in-place") { rename("$place/.temporary", "$place/file") or die }
synced($place, "<") unless $kind eq "no-folder-sync";'
printf '%s\n' "$program" >"$tmp/program"
yes old | head -n 75000 >"$tmp/old"
yes new | head -n 75000 >"$tmp/new"

power_prepare() { cp "$tmp/old" "$power_disk/file"; }
power_examine()
{
        cmp -s "$power_disk/file" "$tmp/new" && return
        [[ $1 == 'done' ]] && echo 'it had ended, and the new state is not there' && return 1
        cmp -s "$power_disk/file" "$tmp/old" || { echo 'neither old nor new' && return 1; }
}
power_finish() { perl "$tmp/program" good "$power_disk" && cmp "$power_disk/file" "$tmp/new"; }

for kind in good in-place no-sync no-folder-sync; do
        power_command=(perl "$tmp/program" "$kind" "$power_disk")
        power_images=0 power_violations=()
        POWER_SIZE=16M POWER_COINS=2 power_everywhere
        ok "$kind: there were disks to look at" test "$power_images" -ge 3
        case $kind in
        good) is "$kind: no violation" "${#power_violations[@]}" 0 ;;
        in-place) like "$kind: caught" "${power_violations[*]}" 'neither old nor new' ;;
        *) like "$kind: caught" "${power_violations[*]}" 'had ended, and the new state' ;;
        esac
done
done_testing
