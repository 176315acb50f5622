#!/bin/bash
# journal show: the last ones, times, paths, following, and a clock that was set back.
. "$(dirname "$0")/lib.sh"
need jq

writer=$build_folder/tests/support/journal_writer
journal=$tmp/journal
show() { us journal show --dir "$journal" "$@"; }
whats() { jq -r .what "$tmp/stdout" | tr '\n' ' '; }

# Noon; then the clock is an hour ahead, is set back, and goes on: @SECONDS is the time that a record is given.
for at in 1000000000 1000003600 1000000010 1000000020 1000000030; do "$writer" "$journal" 1 "@$at" >/dev/null; done
show --json --since 2001-09-09T01:47:00Z # 20 seconds after the first
is '--since loses nothing behind a step' "$(whats)" '@1000003600 @1000000010 @1000000020 @1000000030 '
show --json --until 2001-09-09T01:47:00Z # 1000000020
is '--until loses nothing before a step' "$(whats)" '@1000000000 @1000003600 @1000000010 @1000000020 '
show --json --since 2001-09-09T02:00:00Z --until 2001-09-09T01:46:50Z
is 'both' "$(whats)" '@1000003600 @1000000010 '
show
like 'the step is said' "$(output)" 'clock was set back: from 2001-09-09T02:46:40.000000Z to 2001-09-09T01:46:50.000000Z'
is 'once' "$(grep -c 'set back' "$tmp/stdout")" 1
show --json -n 2
is 'the last two' "$(whats)" '@1000000020 @1000000030 '
show --json -n 0
is 'the last none' "$(whats)" ''
show --json -n 2 --until 2001-09-09T01:46:50Z
is 'the last two up to a time' "$(whats)" '@1000003600 @1000000010 '

# Many records, few of the wanted kind, in steps back from the end.
"$writer" "$journal" 9000 batch >/dev/null
show --json -n 3 --kind test
is 'the last three of thousands' "$(jq .sequence "$tmp/stdout" | tr '\n' ' ')" '9002 9003 9004 '
show --json -n 9004
is 'all but one' "$(jq .sequence "$tmp/stdout" | sed -n '1p;$p' | tr '\n' ' ')" '1 9004 '
show --json -n 3 --kind none_such
is 'none of a kind' "$(output)" ''

# Paths.
make_site "$tmp/src"
make_repository
make_standby
echo planted >"$dest/docs/help.html"
us pull "$dest" --repo "$repo" --pub "$pub"
journal=$state/journal
for path in docs/help.html docs docs/ "$dest/docs/help.html" "$dest/docs"; do
        show --json --kind difference --path "$path"
        is "--path $path" "$(jq -r .path "$tmp/stdout" | sort -u)" docs/help.html
done
for path in doc docs/help.htm help.html "$tmp/other"; do
        show --json --kind difference --path "$path"
        is "--path $path is another one" "$(output)" ''
done

# Following.
journal=$tmp/journal
"$UNDERSTUDY" journal show --dir "$journal" --json --follow -n 1 >"$tmp/followed" 2>"$tmp/follow.err" &
following=$!
cleanup_process "$following"
ok 'it begins with the last' wait_for 10 test -s "$tmp/followed"
"$writer" "$journal" 2 new >/dev/null
ok 'what comes is shown' wait_for 10 eval '[[ $(wc -l <"$tmp/followed") -eq 3 ]]'
is 'and is the new ones' "$(jq -r .what "$tmp/followed" | tail -n 2 | tr '\n' ' ')" 'new new '
rm -rf "$journal"
"$writer" "$journal" 1 >/dev/null
wait "$following"
is 'a journal that was replaced ends it' $? 3
like 'and it is said' "$(cat "$tmp/follow.err")" 'cut or replaced|cannot open|not signed'
status_is 2 'no number' us journal show -n many
status_is 2 'no time' us journal show --until yesterday
done_testing
