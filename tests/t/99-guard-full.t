#!/bin/bash
# The disk on which tree, state and journal lie is full: what is not genuine is refused all the same, nobody waits, a gate
# that dies is replaced, and when there is room again the journal tells all of it.
. "$(dirname "$0")/lib.sh"
use guard
guard_place 48M
export UNDERSTUDY_STATE=$tmp/m/state
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www"
make_standby
for name in 1 2 3; do echo "planted $name" >"$tmp/m/evil$name"; done

guard_start --repo "$repo"
fill() { cat /dev/zero >>"$tmp/m/filler"; } 2>/dev/null
fill
is 'there is no room' "$(df --output=avail "$tmp/m" | tail -n 1 | tr -d ' ')" 0
ok 'what is genuine can be read' reads "$dest/docs/help.html"
mv "$tmp/m/evil1" "$dest/index.php"
not_ok 'what was planted cannot' reads "$dest/index.php"
not_ok 'visitors may not be sent here' us status "$dest"
gate() { ps -o pid=,comm= --ppid "$guard" | awk '$2 == "understudy-gate" { print $1 }'; }
kill -KILL "$(gate)"
mv "$tmp/m/evil2" "$dest/css/site.css"
not_ok 'nor with the gate that comes after one that was killed' reads "$dest/css/site.css"
ok 'which lets pass what is genuine' reads "$dest/docs.txt"
fill
kill -KILL "$guard"
wait "$guard" 2>/dev/null
mv "$tmp/m/evil3" "$dest/docs/help.html"
not_ok 'nor when the guard is killed' reads "$dest/docs/help.html"
ok 'and what is genuine can be read' reads "$dest/docs.txt"

rm "$tmp/m/filler"
guard_start --repo "$repo"
genuine() { us verify "$dest" --pub "$pub"; }
ok 'with room again everything is healed' wait_for 60 genuine
ok 'the journal tells of the gap' has_kind guard_gap
ok 'and what was found' found docs/help.html content
# Whose standard output is the guard's: no orphan of the killed guard stays beside the gate that serves now.
gates() { for process in $(pgrep -x understudy-gate); do [[ $(readlink "/proc/$process/fd/1") == "$tmp/guard.out" ]] && echo "$process"; done; }
one_gate() { [[ $(gates | wc -l) -eq 1 ]]; }
ok 'the gate of the killed guard has ended' wait_for 10 one_gate
eligible() { us status "$dest"; }
ok 'visitors may be sent here' wait_for 60 eligible

# The same once more, and the guard lives on: what it could not write down comes when there is room.
complaints() { grep -c 'cannot write .* of the journal' "$tmp/guard.err"; }
before=$(complaints)
tried() { [[ $(complaints) -gt $before ]]; }
echo planted >"$tmp/m/evil4"
fill
mv "$tmp/m/evil4" "$dest/img/dot.gif"
not_ok 'full again: refused' reads "$dest/img/dot.gif"
ok 'the guard has tried to write it down' wait_for 30 tried
rm "$tmp/m/filler"
ok 'the finding is written down late' wait_for 60 found img/dot.gif content
ok 'with a record that says so' wait_for 20 has_kind journal_resumed
ok 'and healed' wait_for 90 genuine
ok 'visitors may be sent here again' wait_for 60 eligible
guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
