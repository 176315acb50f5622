#!/bin/bash
# Somebody who is at work while pull is, and web servers that see another tree than we do.
. "$(dirname "$0")/lib.sh"
use attacks
need perl unshare
attacks_begin
outside=$tmp/outside

# racer PERL: runs it again and again until stopped.
racer()
{
        perl -e 'use POSIX; chdir shift or die; while (1) { '"$1"' }' "${2:-$dest}" 2>/dev/null &
        racer_pid=$!
        cleanup_process "$racer_pid"
}
stop_racer()
{
        kill "$racer_pid"
        wait "$racer_pid" 2>/dev/null
}

make_outside()
{
        rm -rf "$outside"
        mkdir -p "$outside/new" "$outside/old" "$outside/files"
        echo "$planted" | tee "$outside/page" "$outside/new/x" "$outside/old/x" "$outside/files/x" >/dev/null
        whole "$outside" >"$tmp/outside-before"
}
outside_untouched() { is "$1: what lies outside is untouched" "$(whole "$outside" | diff "$tmp/outside-before" -)" ''; }
settles()
{
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        ok "$1: when he is gone, pull ends" test "$status" -le 1
        exact "$1: exact"
        status_is 0 "$1: genuine" us verify "$dest" --pub "$pub" --json
}

# A folder that is a folder and a link in turn.
restart_standby
make_outside
racer "chdir '$dest'; rename 'docs', 'docs.real'; symlink '$outside', 'docs'; unlink 'docs'; rename 'docs.real', 'docs';"
seen=0
for round in 1 2 3 4 5 6; do
        us verify "$dest" --pub "$pub" --json
        [[ $status -eq 0 ]] || seen=$((seen + 1))
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        ok "a folder that turns into a link, round $round: pull ends" test "$status" -eq 0 -o "$status" -eq 1 -o "$status" -eq 3
done
stop_racer
# He may have been asleep in one of the rounds.
ok 'a folder that turns into a link: seen' test "$seen" -gt 0
outside_untouched 'a folder that turns into a link'
settles 'a folder that turns into a link'

# The folder above belongs to somebody else, who swaps ours for a link to where he wants something deleted.
restart_standby
make_outside
chown 33:33 "${dest%/*}"
racer "rename '.understudy.site', 'away'; symlink '$outside', '.understudy.site'; unlink '.understudy.site'; rename 'away', '.understudy.site';" "${dest%/*}"
for round in 1 2 3 4 5 6; do
        echo "$planted" >"$dest/index.html" 2>/dev/null
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        ok "a hostile parent, round $round: pull ends" test "$status" -eq 1 -o "$status" -eq 3 -o "$status" -eq 4
done
stop_racer
outside_untouched 'a hostile parent'
chown 0:0 "${dest%/*}"
rm -rf "${dest%/*}/away"
[[ ! -L ${dest%/*}/.understudy.site ]] || rm "${dest%/*}/.understudy.site"
settles 'a hostile parent'

# Somebody whose working folder is in the old tree goes on making files there while it is removed.
restart_standby
echo "$planted" >"$dest/index.html"
racer 'open my $f, ">", "x" . $i++ % 1000;' "$dest/docs"
sleep 0.1
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'one who works in the old tree: pull ends' test "$status" -eq 1 -o "$status" -eq 3
status_is 0 'one who works in the old tree: the new one is genuine' us verify "$dest" --pub "$pub" --json
stop_racer
settles 'one who works in the old tree'
is 'one who works in the old tree: nothing is left beside it' "$(ls -A "${dest%/*}")" site

# A web server in a mount namespace of its own, in which the tree is mounted: it would go on serving the old one.
restart_standby
cp "$(command -v sleep)" "$tmp/nginx"
unshare --mount --propagation private sh -c 'mount --bind "$1" "$1" && exec "$2" 60' sh "$dest" "$tmp/nginx" &
server=$!
cleanup_process "$server"
wait_for 5 grep -qs nginx "/proc/$server/comm" || fail 'the web server has started'
echo "$planted" >"$dest/index.html"
status_is 4 'a web server that would not see the exchange: refused' us pull "$dest" --repo "$repo" --pub "$pub" --json
like 'a web server that would not see the exchange: named' "$(errors)" nginx
kill "$server"
wait "$server" 2>/dev/null
settles 'a web server that would not see the exchange'

# Two pulls at once: one works, the other waits or says who is at work.
restart_standby
echo "$planted" >"$dest/index.html"
"$UNDERSTUDY" pull "$dest" --repo "$repo" --pub "$pub" >"$tmp/first" 2>&1 &
first=$!
us pull "$dest" --repo "$repo" --pub "$pub" --json
second=$status
wait "$first"
first=$?
ok 'two pulls at once: neither breaks' test "$first" -le 3 -a "$second" -le 3
ok 'two pulls at once: one has healed it' test "$first" -eq 1 -o "$second" -eq 1
settles 'two pulls at once'

done_testing
