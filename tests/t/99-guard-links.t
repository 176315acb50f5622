#!/bin/bash
# A second name of a file of the tree, made outside of it: nothing happens in the tree's folders, and later the file could
# be written through it. With observe the name is found when it is made, with who made it; beside a gate when somebody
# opens the file for writing by that name, before a byte of it was changed (who that is a broken lease does not say). A
# pull makes such names, too, where it takes files over by link: that is no alarm.
. "$(dirname "$0")/lib.sh"
. "$tests_folder/../support/guard.sh"
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
done_testing
