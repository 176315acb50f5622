#!/bin/bash
# A heal puts right the names that differ before it compares the whole: by fresh inodes, each exchanged in one step. It ends
# in an exact tree, with what stood there kept and `healed` in the journal, however it was disturbed; and where single
# names are not enough, a fresh tree comes as ever.
. "$(dirname "$0")/lib.sh"
use guard
guard_place 512M
need strace
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # the leak checker of a sanitized build does not work under strace
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www" "$tmp/m/evil"
make_standby
sibling=$tmp/m/www/.understudy.site

healed() { kinds | grep -cx healed; }
more_healed() { [[ $(healed) -gt $before ]]; }
genuine() { us verify "$dest" --pub "$pub"; }
eligible() { us status "$dest"; }
tree() { stat -c %i "$dest"; }
mends() { "$UNDERSTUDY" journal show --json | jq -r 'select(.kind == "mend") | .names'; }
# evidence_of PATH: a report of the newest evidence names it.
evidence_of() { find "$state" -name report.json -path '*/evidence/*' -newer "$tmp/since" -exec jq -r '.differences[].path' {} + | grep -qxF -- "$1"; }

# Three heals in a minute start at once; so each guard heals three times.
heals=0
reload="echo reloaded >>'$tmp/reloaded'"
guard() { guard_start --repo "$repo" --reload "$reload"; heals=0; }
begin()
{
        if [[ $heals -ge 3 ]]; then
                guard_stop
                guard
        fi
        heals=$((heals + 1))
        before=$(healed) root=$(tree) mended=$(mends | wc -l)
        touch "$tmp/since"
        : >"$tmp/reloaded"
        sleep 0.02
}

nothing_left() { [[ ! -e $sibling && -z $(find "$state/dest" -name mend.json -o -name evidence.next -o -name guard.healing) ]]; }

# exact NAME: all that a heal has to leave.
exact()
{
        ok "$1: healed, which is in the journal" wait_for 60 more_healed
        ok "$1: exact" wait_for 60 genuine # what was found meanwhile is another heal's
        ok "$1: the web server was reloaded" test -s "$tmp/reloaded"
        ok "$1: visitors may be sent here" wait_for 60 eligible
        ok "$1: nothing is left beside the tree or in the state" wait_for 30 nothing_left
}

# mended NAME PATH...: and by single names, with evidence of each.
mended()
{
        local name=$1 path
        exact "$name"
        is "$name: the same tree stands" "$(tree)" "$root"
        ok "$name: names were put right" test "$(mends | wc -l)" -gt "$mended"
        for path in "${@:2}"; do ok "$name: evidence of $path" evidence_of "$path"; done
}

rebuilt()
{
        exact "$1"
        isnt "$1: by a fresh tree" "$(tree)" "$root"
}

plant() { echo "planted ${1##*/}" >"$tmp/m/evil/x" && mv "$tmp/m/evil/x" "$dest/$1"; }

# ---------------------------------------------------------------- what single names can put right

guard
begin
plant index.php
mended 'content' index.php
like 'who compares afterwards finds what a mend is called' "$(kinds | tail -n 12 | tr '\n' ' ')" 'difference mend pull_finished healed'

begin
inode=$(stat -c %i "$dest/docs/help.html")
exec 7<>"$dest/docs/help.html"
reads "$dest/docs/help.html"
mended 'held open for writing'
isnt 'held open for writing: what stands there is another inode' "$(stat -c %i "$dest/docs/help.html")" "$inode"
exec 7<&-

begin
plant .htaccess
mended 'an extra file' .htaccess

begin
mkdir -p "$tmp/m/evil/admin/deep" && echo planted | tee "$tmp/m/evil/admin/shell.php" >"$tmp/m/evil/admin/deep/page.html"
mv "$tmp/m/evil/admin" "$dest/admin"
mended 'an extra folder' admin/
ok 'an extra folder: with all that was in it' test -n "$(find "$state" -path '*/evidence/*/admin/deep/page.html' -newer "$tmp/since")"

begin
rm "$dest/docs.txt"
mended 'a missing file' docs.txt

begin
chmod 4755 "$dest/lib/cron.sh"
mended 'mode' lib/cron.sh

begin
chown 12345 "$dest/lib/page.php"
mended 'owner' lib/page.php

begin
setfattr -n user.x -v y "$dest/img/dot.gif"
mended 'an attribute' img/dot.gif

begin
ln "$dest/docs/2008/c.html" "$tmp/m/evil/linked" && chmod 600 "$dest/docs/2008/c.html"
mended 'a second name' docs/2008/c.html
is 'a second name: the other leads to another inode now' "$(stat -c %h "$dest/docs/2008/c.html")" 1
rm "$tmp/m/evil/linked"

begin
rm "$dest/index.php" && ln -s /etc/hostname "$dest/index.php"
mended 'a file that became a link' index.php

begin
rm "$dest/help" && plant help
mended 'a link that became a file' help

begin
mkdir "$tmp/m/evil/folder" && echo planted >"$tmp/m/evil/folder/page.html"
rm "$dest/index.php" && mv "$tmp/m/evil/folder" "$dest/index.php"
mended 'a file that became a folder' index.php

begin
for i in 1 2 3 4; do plant "docs/$i.html"; done
plant index.php && plant css/site.css && rm "$dest/docs.txt" && chmod 777 "$dest/lib/cron.sh"
exact 'several at once'

# ---------------------------------------------------------------- what they cannot

begin
chmod 777 "$dest/docs"
rebuilt 'a folder'

begin
rm -r "$dest/docs"
rebuilt 'a folder that is gone'

begin
kill -STOP "$guard"
for ((i = 0; i < 40; i++)); do plant "many$i.html"; done
kill -CONT "$guard"
rebuilt 'too many'

begin
chattr +i "$dest/css/site.css" && plant index.php
rebuilt 'what cannot be moved, and was not known of'

# ---------------------------------------------------------------- not eligible before it is compared

guard_stop
reload="echo reloaded >>'$tmp/reloaded'; sleep 3"
guard
begin
plant index.php
right() { cmp -s "$tmp/src/index.php" "$dest/index.php" && [[ -s $tmp/reloaded ]]; }
ok 'a name is right and the web server reloaded' wait_for 30 right
status_is 1 'and visitors may not be sent here yet' us status "$dest"
is 'nor is it called healed' "$(healed)" "$before"
mended 'once it was compared' index.php

# ---------------------------------------------------------------- killed

pull_pid() { ps -o pid=,args= --ppid "$guard" | awk '$3 == "pull" { print $1 }'; }
begin
plant index.php
ok 'the web server is being reloaded' wait_for 30 right
kill -KILL "$(pull_pid)"
mended 'pull killed behind its exchange' index.php

begin
plant index.php
ok 'the web server is being reloaded' wait_for 30 right
pull=$(pull_pid)
kill -KILL "$guard" "$pull"
wait "$guard" 2>/dev/null
guard_stop 2>/dev/null
guard
heals=1
mended 'guard and pull killed' index.php

begin
plant index.php
ok 'the web server is being reloaded' wait_for 30 right
kill -KILL "$guard"
wait "$guard" 2>/dev/null
over() { ! pgrep -f "pull $dest" >/dev/null; }
ok 'the pull of a killed guard comes to its end' wait_for 30 over
guard
heals=1
mended 'guard killed' index.php
guard_stop
reload="echo reloaded >>'$tmp/reloaded'"
guard

# killed_at CALL N PATH: the pull is killed before its Nth CALL that has to do with PATH.
killed_at()
{
        begin
        strace -qq -f -p "$guard" -e trace="$1" -e inject="$1:signal=KILL:when=$2" -P "$3" -o "$tmp/strace" 2>"$tmp/strace.err" &
        tracer=$!
        cleanup_process "$tracer"
        attached() { grep -q "TracerPid:[[:space:]]*$tracer" "/proc/$guard/status"; }
        wait_for 10 attached
        plant index.php
        plant docs/planted.html
        killed() { grep -q 'killed by SIGKILL' "$tmp/strace"; }
        wait_for 20 killed && kills=$((kills + 1))
        kill "$tracer"
        wait "$tracer" 2>/dev/null
        exact "killed before $1 $2 of ${3##*/}"
        ok "killed before $1 $2 of ${3##*/}: evidence" evidence_of index.php
}
kills=0 points=0
for point in 'mkdirat 1 www' 'openat 1 www/.understudy.site/mend' 'renameat2 1 www/.understudy.site/mend' 'renameat2 2 www/.understudy.site/mend' \
        'renameat2 1 www/.understudy.site/mend/docs' 'fsync 1 www/site' 'fsync 1 www/site/docs' 'unlinkat 1 www/.understudy.site/mend' 'unlinkat 1 www/.understudy.site' 'unlinkat 1 www'; do
        # shellcheck disable=SC2086 # three words
        set -- $point
        points=$((points + 1))
        killed_at "$1" "$2" "$tmp/m/$3"
done
diag "killed at $kills of $points points"
ok 'it was killed at most of these' test "$kills" -ge 6

# ---------------------------------------------------------------- somebody moves folders meanwhile

# slowed CALL PATH: such a call of the pull takes two seconds.
slowed()
{
        strace -qq -f -p "$guard" -e trace="$1" -e inject="$1:delay_enter=2000000" -P "$2" -o "$tmp/strace" 2>"$tmp/strace.err" &
        tracer=$!
        cleanup_process "$tracer"
        attached() { grep -q "TracerPid:[[:space:]]*$tracer" "/proc/$guard/status"; }
        wait_for 10 attached
}
mkdir "$tmp/m/evil/elsewhere" && echo mine >"$tmp/m/evil/elsewhere/help.html"
for call in renameat2 openat2; do
        begin
        slowed "$call" "$sibling/mend$([[ $call == renameat2 ]] && echo /docs)"
        plant docs/help.html
        standing() { [[ -e $sibling/mend/docs/help.html ]]; }
        ok "$call: the fresh inode stands ready" wait_for 20 standing
        mv "$dest/docs" "$tmp/m/evil/docs" && ln -s "$tmp/m/evil/elsewhere" "$dest/docs"
        sleep 3
        kill "$tracer"
        wait "$tracer" 2>/dev/null
        exact "$call: a folder that became a link meanwhile"
        is "$call: nothing was put where the link leads" "$(cat "$tmp/m/evil/elsewhere"/*)" mine
        rm -rf "$tmp/m/evil/docs"
done

# ---------------------------------------------------------------- somebody puts it back

begin
(for ((i = 0; i < 40; i++)); do echo "again $i" >"$tmp/m/evil/again" && mv "$tmp/m/evil/again" "$dest/index.php" && sleep 0.25; done) &
again=$!
cleanup_process "$again"
ok 'that it is put back again and again is told' wait_for 60 has_kind heal_loop
wait "$again"
last=$(kinds | grep -c .)
all_healed() { [[ $(kinds | tail -n "+$last" | grep -cx healed) -gt 0 ]] && genuine; }
ok 'when he stops it is healed' wait_for 120 all_healed
ok 'and visitors may be sent here' wait_for 120 eligible
guard_stop

# ---------------------------------------------------------------- no room

guard
begin
plant docs/help.html && : # while there is room
exact 'with room'
begin
echo planted >"$tmp/m/evil/full"
{ cat /dev/zero >"$tmp/m/filler"; } 2>/dev/null
mv "$tmp/m/evil/full" "$dest/index.php"
not_ok 'what was planted on a full disk is refused' reads "$dest/index.php"
sleep 1
rm "$tmp/m/filler"
exact 'with room again'
guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
