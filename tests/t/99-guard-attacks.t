#!/bin/bash
# What an intruder tries against the guard itself: to keep it busy, to make it lose count, to reach its helpers, to set its
# clock back.
. "$(dirname "$0")/lib.sh"
use guard
guard_place 512M
need strace setpriv perl
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www"
make_standby
genuine() { us verify "$dest" --pub "$pub"; }
eligible() { us status "$dest"; }

# A clock of its own for the guard and what it starts: `clock SECONDS` sets it so much away from the machine's.
clock() { perl -e 'print pack("q", $ARGV[0])' -- "$1" 1<>"$tmp/clock"; }
clock 0
shim=$build_folder/tests/support/libclock_shim.so
[[ -e $shim ]] || bail_out 'build first: tests/support/libclock_shim.so is not there'
# In a build with sanitizers their library wants to be the first that is loaded.
with_clock() { ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 CLOCK_SHIM=$tmp/clock LD_PRELOAD=$shim "$@"; }

# ---------------------------------------------------------------- to keep it busy

guard_start --repo "$repo"
truncate -s 3T "$tmp/m/planted" && mv "$tmp/m/planted" "$dest/large"
ok 'three terabytes of nothing are found' wait_for 10 found large extra
echo planted >"$tmp/m/planted" && mv "$tmp/m/planted" "$dest/docs/a.html"
ok 'and keep nobody from finding the next' wait_for 10 found docs/a.html extra
ok 'both are gone' wait_for 60 genuine
truncate -s 1T "$tmp/m/planted" && mv "$tmp/m/planted" "$dest/index.php"
not_ok 'nor is it read before it is refused' reads "$dest/index.php"
ok 'found' wait_for 10 found index.php content
mkfifo "$dest/docs/pipe"
ok 'a pipe that nobody writes to' wait_for 10 found docs/pipe extra
perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($ARGV[0])) or die' "$dest/docs/socket"
ok 'a socket' wait_for 10 found docs/socket extra
ok 'all gone' wait_for 90 genuine
ok 'visitors may be sent here' wait_for 60 eligible
guard_stop
is 'the guard ends well' $? 0

# ---------------------------------------------------------------- to lose its evidence by a power cut

# What was planted is emptied, so that who holds it open has nothing of it; only when its copy is on the disk, and named.
guard_start --repo "$repo"
strace -f -y -qq -o "$tmp/order" -e trace=fsync,renameat,ftruncate -p "$guard" 2>"$tmp/strace" &
tracing=$!
cleanup_process "$tracing"
attached() { [[ $(awk '$1 == "TracerPid:" { print $2 }' "/proc/$guard/status") != 0 ]]; }
wait_for 10 attached
echo "planted $RANDOM" >"$tmp/m/planted" && mv "$tmp/m/planted" "$dest/.htaccess"
emptied() { grep -q 'ftruncate(.*htaccess' "$tmp/order"; }
ok 'what was planted is emptied' wait_for 30 emptied
kill "$tracing"
wait "$tracing" 2>/dev/null
order() { sed -n 's/^[0-9]* *\([a-z]*\)(.*\(found\/\.next\|found>\|htaccess\).*/\1 \2/p' "$tmp/order" | sed -n '1,/ftruncate/p' | paste -sd ,; }
is 'after its copy was synced, named, and its name synced' "$(order)" 'fsync found/.next,renameat found>,fsync found>,ftruncate htaccess'
ok 'healed' wait_for 60 genuine
guard_stop

# ---------------------------------------------------------------- to make it lose count

guard_start --mode refuse
kill -STOP "$guard" # a storm that is faster than the guard, on any machine
perl -e 'chdir($ARGV[0]) or die; for (1 .. 18000) { mkdir("storm$_") && rmdir("storm$_") or die }' "$dest/docs"
echo planted >"$tmp/m/planted" && mv "$tmp/m/planted" "$dest/docs/late.html"
kill -CONT "$guard"
ok 'events that the kernel could not queue are told' wait_for 30 has_kind events_lost
ok 'and what came behind them is found' wait_for 60 found docs/late.html extra
us pull "$dest" --repo "$repo" --pub "$pub"
wait_for 60 eligible
perl -e 'chdir($ARGV[0]) or die; for (1 .. 4200) { mkdir("many$_") or die }' "$dest/docs"
ok 'more findings than are written one by one: that is told' wait_for 120 has_kind findings_limit
us pull "$dest" --repo "$repo" --pub "$pub"
ok 'after a pull visitors may be sent here' wait_for 60 eligible

# ---------------------------------------------------------------- its helpers

verifier=$(ps -o pid=,comm= --ppid "$guard" | awk '$2 != "understudy-gate" { print $1 }' | head -n 1)
user=$(ps -o uid= -p "$verifier" | tr -d ' ')
isnt 'a verifier is not root' "$user" 0
as_verifier() { setpriv --reuid="$user" --clear-groups "$@"; }
run timeout 5 setpriv --reuid="$user" --clear-groups strace -o /dev/null -p "$verifier"
like 'nobody of its own user can trace it' "$(errors)" 'not permitted'
not_ok 'nor read its memory' as_verifier head -c 1 "/proc/$verifier/mem"
gate=$(ps -o pid=,comm= --ppid "$guard" | awk '$2 == "understudy-gate" { print $1 }')
not_ok 'nor stop the gate' as_verifier kill -STOP "$gate"
as_verifier kill -KILL "$verifier" # this he can, when a web server runs as the same user
ok 'one that was killed is replaced' wait_for 20 reads "$dest/docs/help.html"
guard_stop

# ---------------------------------------------------------------- its clock

with_clock guard_start --repo "$repo"
records() { kinds | wc -l; }
clock -86400
ok 'a clock that is set back by a day is noticed' wait_for 30 has_kind clock_set
echo planted >"$tmp/m/planted" && mv "$tmp/m/planted" "$dest/css/site.css"
not_ok 'what is planted then is refused' reads "$dest/css/site.css"
ok 'found' wait_for 10 found css/site.css content
ok 'and healed' wait_for 60 genuine
ok 'visitors may be sent here' wait_for 60 eligible
is 'by how much it was set is told' "$("$UNDERSTUDY" journal show --json | jq -r 'select(.kind == "clock_set") | .by_s / 10 | round')" -8640
clock 0
guard_stop
clock -172800
with_clock guard_start --repo "$repo"
is 'a gap that ends before it began says so' \
        "$("$UNDERSTUDY" journal show --json | jq -r 'select(.kind == "guard_gap") | .clock_back' | tail -n 1)" true
ok 'visitors may be sent here' wait_for 60 eligible
guard_stop
us journal verify
is 'the journal is whole, though its times go back' "$status" 0
done_testing
