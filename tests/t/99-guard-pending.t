#!/bin/bash
# The moment in which a question of the kernel's is open: its verifiers are stopped, one visitor waits in the open of a
# planted page and one in that of a genuine page that nobody has verified, and then a process of the guard dies. Neither
# gets wrong bytes, both come back within the limit, and the journal tells of the gap and of the comparison behind it.
# (99-guard-killed.t kills at moments of chance.)
. "$(dirname "$0")/lib.sh"
use guard
guard_place
export UNDERSTUDY_STATE=$tmp/m/state # behind the gate as well
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www"
make_standby
planted=docs/planted.html
page=css/site.css

# A verdict in a second, a silent gate replaced after two; what is longer is the machine's.
limit_ms=$((4 * (1000 + 2000) + 8000))
guard() { guard_start --mode refuse --verdict-limit 1s; }
gate() { ps -o pid=,comm= --ppid "$guard" | awk '$2 == "understudy-gate" { print $1 }'; }
verifiers() { ps -o pid=,uid=,stat= --ppid "$guard" | awk '$2 != 0 && $3 !~ /Z/ { print $1 }'; }
count() { kinds | grep -cx "$1"; }
more() { [[ $(count "$1") -gt $2 ]]; }
looked_after() { kinds | awk -v kind="$1" '$0 == kind { at = NR } $0 == "examined" { last = NR } END { exit !(at && last > at) }'; }

# visit NAME FILE: in the background; its bytes, its exit status and how long it took go to files of that name.
visit()
{
        (
                since=$(date +%s%3N)
                cat "$2" >"$tmp/$1.bytes" 2>/dev/null
                echo $? >"$tmp/$1.status"
                echo $(($(date +%s%3N) - since)) >"$tmp/$1.ms"
        ) &
        cleanup_process $!
}
is_back() { [[ -s $tmp/$1.ms ]]; }
# Somebody sits in the open of this file: he has not got its descriptor, and the kernel waits for an answer.
waits() { grep -lq fanotify "/proc/$(pgrep -n -f "^cat $1\$")/wchan" 2>/dev/null; }

# A comparison that runs for another reason may have found the genuine page genuine already.
asked_or_known() { waits "$1" || is_back page; }

# moment: both visitors wait, and nobody can answer them.
moment()
{
        rm -f "$tmp"/{planted,page}.{bytes,status,ms} "$dest/$planted"
        echo "evil $RANDOM" >"$tmp/m/evil"
        cp -p "$tmp/src/$page" "$tmp/m/again"
        # shellcheck disable=SC2046 # two words
        kill -STOP $(verifiers)
        mv "$tmp/m/evil" "$dest/$planted"
        mv "$tmp/m/again" "$dest/$page"
        visit planted "$dest/$planted"
        visit page "$dest/$page"
        ok "$1: both visitors wait" wait_for 5 waits "$dest/$planted"
        wait_for 5 asked_or_known "$dest/$page" || fail "$1: the genuine page is asked about"
}

# came_back WHAT
came_back()
{
        local name
        for name in planted page; do
                ok "$1: the open of the $name comes back" wait_for 60 is_back "$name"
                ok "$1: within its limit" test "$(cat "$tmp/$name.ms")" -lt "$limit_ms"
        done
        is "$1: no byte of the planted page was read" "$(cat "$tmp/planted.bytes")" ''
        if [[ $(cat "$tmp/page.status") == 0 ]]; then
                is "$1: the genuine page is genuine" "$(cat "$tmp/page.bytes")" "$(cat "$tmp/src/$page")"
        fi
}
goes_on()
{
        ok "$1: what is genuine can be read again" wait_for 60 reads "$dest/$page"
        not_ok "$1: what is planted cannot" reads "$dest/$planted"
}

guard
before=$(count gate_replaced)
moment 'gate killed'
kill -KILL "$(gate)"
came_back 'gate killed'
ok 'gate killed: that it was replaced is in the journal' wait_for 30 more gate_replaced "$before"
ok 'gate killed: and everything is compared' wait_for 60 looked_after gate_replaced
goes_on 'gate killed'

moment 'verifiers killed'
# shellcheck disable=SC2046
kill -KILL $(verifiers)
came_back 'verifiers killed'
goes_on 'verifiers killed'

before=$(count guard_gap)
moment 'guard killed'
kill -KILL "$guard"
wait "$guard" 2>/dev/null
came_back 'guard killed'
not_ok 'guard killed: nobody is left who could verify, and nothing new is let pass' reads "$dest/$planted"
guard
ok 'guard killed: the gap is in the journal' wait_for 30 more guard_gap "$before"
ok 'guard killed: and everything is compared' wait_for 60 looked_after guard_gap
goes_on 'guard killed'

before=$(count guard_gap)
moment 'gate stopped, guard killed'
kill -STOP "$(gate)" && kill -KILL "$guard"
wait "$guard" 2>/dev/null
guard
came_back 'gate stopped, guard killed'
ok 'gate stopped, guard killed: the gap is in the journal' wait_for 30 more guard_gap "$before"
ok 'gate stopped, guard killed: and everything is compared' wait_for 60 looked_after guard_gap
goes_on 'gate stopped, guard killed'

# Only root can kill both at once. Then nobody holds the kernel's group, and whoever waits is let pass (SECURITY.md): what
# counts is that the machine goes on, and that what could be read meanwhile is told.
before=$(count guard_gap)
moment 'guard and gate killed'
kill -KILL "$guard" "$(gate)"
wait "$guard" 2>/dev/null
ok 'guard and gate killed: nobody waits for ever' wait_for 60 is_back planted
ok 'guard and gate killed: nor for the genuine page' wait_for 60 is_back page
guard
ok 'guard and gate killed: the gap is in the journal' wait_for 30 more guard_gap "$before"
ok 'guard and gate killed: and everything is compared' wait_for 60 looked_after guard_gap
ok 'guard and gate killed: what could be read is in the journal' found "$planted" extra
goes_on 'guard and gate killed'

guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
