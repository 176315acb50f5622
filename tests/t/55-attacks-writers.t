#!/bin/bash
# Those who can still write after the pull, and a tree that changes while it is looked at.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin
writer=$build_folder/tests/support/writer
[[ -x $writer ]] || bail_out "$writer is not built"

# start_writer KIND FILE: holds it; `let_write` makes it write and waits for its end.
start_writer()
{
        rm -f "$tmp/go"
        mkfifo "$tmp/go"
        "$writer" "$1" "$2" "$planted" <"$tmp/go" >"$tmp/said" 2>&1 &
        writer_pid=$!
        cleanup_process "$writer_pid"
        exec {go}>"$tmp/go"
        wait_for 5 grep -qs ready "$tmp/said" || fail "$1 writer is ready"
}

let_write()
{
        echo >&"$go"
        exec {go}>&-
        wait "$writer_pid"
        is "$1: he has written" "$?" 0
}

for kind in held mapped; do
        for before in tampered genuine; do
                name="$kind, $before before"
                restart_standby
                start_writer "$kind" "$dest/docs/help.html"
                expected=0
                if [[ $before == tampered ]]; then
                        echo "$planted" >"$dest/index.html"
                        expected=1
                fi
                # Nothing differs, and still the tree may not be left as it is: somebody can write.
                status_is "$expected" "$name: pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
                json_is "$name: a fresh tree was exchanged in" .changed true
                status_is 0 "$name: genuine" us verify "$dest" --pub "$pub" --json
                let_write "$name"
                status_is 0 "$name: and still genuine" us verify "$dest" --pub "$pub" --json
                exact "$name: exact"
                is "$name: nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
        done
done

# A writer who came before a release that leaves his file as it was.
cp -a "$tmp/src" "$tmp/src2"
echo '<?php // release 2' >>"$tmp/src2/index.php"
for take_over in copy link auto; do
        restart_standby
        rm -rf "$tmp/repo2"
        cp -a "$repo" "$tmp/repo2"
        us publish "$tmp/src2" --repo "$tmp/repo2" --key "$key" || { fail 'publish 2' && output_diag; }
        for kind in held mapped; do
                unmount_below "${dest%/*}"
                rm -rf "${dest%/*}" "$state"
                make_standby
                start_writer "$kind" "$dest/docs/help.html"
                status_is 0 "$kind, take-over by $take_over: the next release" \
                        us pull "$dest" --repo "$tmp/repo2" --pub "$pub" --take-over "$take_over" --json
                let_write "$kind, take-over by $take_over"
                status_is 0 "$kind, take-over by $take_over: genuine" us verify "$dest" --pub "$pub" --json
                json_is "$kind, take-over by $take_over: release 2" .release 2
        done
        rm -rf "${dest%/*}" "$state"
done

# While verify looks: genuine bytes at every moment, but nobody can say what was between.
restart_standby
"$writer" busy "$dest/img/photo.jpg" >"$tmp/said" 2>&1 &
busy=$!
cleanup_process "$busy"
wait_for 5 grep -qs ready "$tmp/said" || fail 'the busy writer is ready'
# On a busy machine the writer may sleep while verify looks: then it was genuine.
not_genuine() { ! us verify "$dest" --pub "$pub" --json; }
ok 'a file that changes during verify is noticed' wait_for 10 not_genuine
is 'as a finding' "$status" 1
json_is 'not genuine' .genuine false
json_is 'it was changing' .changing true
kill "$busy"
wait "$busy" 2>/dev/null
status_is 0 'when he is gone, it is genuine' us verify "$dest" --pub "$pub" --json

# Names that come and go.
(while :; do
        : >"$dest/docs/x" && rm "$dest/docs/x"
done) 2>/dev/null &
busy=$!
cleanup_process "$busy"
ok 'a name that comes and goes is noticed' wait_for 10 not_genuine
is 'as a finding' "$status" 1
kill "$busy"
wait "$busy" 2>/dev/null
rm -f "$dest/docs/x"

# A file that comes back however often it is removed: pull is exact at one moment, verify says what is true now.
(while :; do
        echo "$planted" >"$dest/index.html"
        sleep 0.02
done) 2>/dev/null &
busy=$!
cleanup_process "$busy"
sleep 0.1
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'pull against one who puts it back: done or given up, not hung' test "$status" -eq 1 -o "$status" -eq 3
wait_for 5 test -e "$dest/index.html"
status_is 1 'verify sees it again' us verify "$dest" --pub "$pub" --json
kill "$busy"
wait "$busy" 2>/dev/null
status_is 1 'when he is gone, pull heals it' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'exact'

done_testing
