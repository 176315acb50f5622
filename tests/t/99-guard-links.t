#!/bin/bash
# A second name of a file of the tree, made outside of it: nothing happens in the tree's folders, and later the file could
# be written through it. With observe the name is found when it is made, with who made it; beside a gate when somebody
# opens the file for writing by that name, before a byte of it was changed (who that is a broken lease does not say). A
# pull makes such names, too, where it takes files over by link: that is no alarm.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
need perl
make_site "$tmp/src"
mkdir "$tmp/src/many"
(cd "$tmp/src/many" && seq 3000 | split -l 1 -a 5 - page)
make_repository
mkdir -p "$tmp/m/www"
make_standby
page=docs/2008/c.html

linked() { findings "select(.path == \"$page\" and .action == \"$1\") | select(.differences | index(\"hardlink\")) | .process.exe" | tail -n 1; }
is_linked() { [[ -n $(linked "$1") ]]; }
has_one_name() { [[ $(stat -c %h "$dest/$page") == 1 ]]; }
eligible() { us status "$dest"; }

for mode in observe refuse heal; do
        action=${mode/%observe/observed} action=${action/%refuse/refused} action=${action/%heal/healing}
        us pull "$dest" --repo "$repo" --pub "$pub"
        guard_start --mode "$mode" --repo "$repo"
        # Long enough to be asked who it is.
        perl -e 'link($ARGV[0], $ARGV[1]) or die; $ARGV[2] eq "observe" or open my $file, ">>", $ARGV[1] or die; sleep 3' "$dest/$page" "$tmp/m/outside" "$mode" &
        cleanup_process $!
        ok "$mode: a name outside is found" wait_for 10 is_linked "$action"
        [[ $mode != observe ]] || is "$mode: and who made it" "$(linked "$action")" "$(readlink -f "$(command -v perl)")"
        [[ $mode != heal ]] || ok 'heal: the page is a file of its own again' wait_for 60 has_one_name
        rm "$tmp/m/outside"
        guard_stop
done

# What is named while nobody guards, or while the guard compares, is found by the comparison.
us pull "$dest" --repo "$repo" --pub "$pub"
ln "$dest/docs/help.html" "$tmp/m/outside"
guard_start --mode refuse
ok 'a name from before is found' wait_for 10 found docs/help.html hardlink
rm "$tmp/m/outside"
guard_stop

for mode in observe refuse heal; do
        us pull "$dest" --repo "$repo" --pub "$pub"
        guard_start --mode "$mode" --repo "$repo"
        before=$(findings | wc -l)
        echo "<p>$mode" >>"$tmp/src/docs/help.html"
        make_repository
        status_is 0 "$mode: a pull that takes files over by link" us pull "$dest" --repo "$repo" --pub "$pub" --take-over link
        is "$mode: is no alarm" "$(findings '"\(.path) \(.differences) \(.found) \(.process.exe)"' | tail -n "+$((before + 1))" | sort | head -n 3)" ''
        ok "$mode: visitors may be sent here" wait_for 60 eligible
        is "$mode: nor afterwards" "$(findings | wc -l)" "$before"
        guard_stop
done

# ---------------------------------------------------------------- moments

guarded() { us pull "$dest" --repo "$repo" --pub "$pub" && guard_start --mode "$1" --repo "$repo" && before=$(findings | wc -l); }
# pull_linked ARGUMENTS...: a new release in the background, taken over by link. $tmp/linked is there once the names are.
pull_linked()
{
        echo "<p>again" >>"$tmp/src/docs/help.html"
        make_repository
        rm -f "$tmp/linked" "$tmp/go"
        "$UNDERSTUDY" pull "$dest" --repo "$repo" --pub "$pub" --take-over link --check "touch '$tmp/linked'; $1" "${@:2}" >"$tmp/pull.out" 2>&1 &
        pulling=$!
        cleanup_process "$pulling"
        ok "$moment: the names are made" wait_for 30 test -e "$tmp/linked"
}
no_alarm()
{
        wait "$pulling"
        is "$moment: the pull ends well" $? 0
        ok "$moment: visitors may be sent here" wait_for 60 eligible
        is "$moment: no alarm" "$(findings '"\(.path) \(.differences) \(.process.exe)"' | tail -n "+$((before + 1))" | head -n 3)" ''
        guard_stop
}

# The guard was kept from running: it hears of the names before it has heard of the pull.
moment='a late guard'
guarded observe
kill -STOP "$guard"
pull_linked true
kill -CONT "$guard"
no_alarm

# A comparison that began by itself meets the names, and the pull has not said a word yet.
examined() { kinds | grep -cx examined; }
examined_again() { [[ $(examined) -gt $compared ]]; }
for mode in observe refuse heal; do
        moment="$mode: a comparison beside a pull"
        guarded "$mode"
        pull_linked "until [ -e '$tmp/go' ]; do sleep 0.05; done"
        compared=$(examined)
        kill -HUP "$guard"
        ok "$moment: it ends" wait_for 60 examined_again
        touch "$tmp/go"
        no_alarm
done

# A comparison met the names and has ended, and until the guard's loop asks for its result the pull has ended, too: what it
# saw is gone then, and has to be compared again. (Without -f it is the loop alone that is slow.)
if command -v strace >/dev/null; then
        moment='a result that comes behind a pull'
        guarded observe
        strace -qq -p "$guard" -e trace=poll -e inject=poll:delay_exit=3000000 -o "$tmp/strace" 2>"$tmp/strace.err" &
        tracer=$!
        cleanup_process "$tracer"
        attached() { grep -q "TracerPid:[[:space:]]*$tracer" "/proc/$guard/status"; }
        ok "$moment: the loop is slow" wait_for 10 attached
        compared=$(examined)
        pull_linked true --reload 'sleep 2'
        wait "$pulling"
        is "$moment: nobody asked yet" "$(examined)" "$compared"
        kill "$tracer"
        wait "$tracer" 2>/dev/null
        no_alarm
fi
done_testing
